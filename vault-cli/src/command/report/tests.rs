//! What the tables say is what the JSON does, as an independent program reads both.

#[path = "../../../../vault-core/tests/oracle/made.rs"]
mod made;
#[expect(dead_code, reason = "nothing is disordered here")]
#[path = "../../../../vault-core/tests/oracle/program.rs"]
mod program;

use serde_json::json;

use self::made::{Maker, printed, right};
use super::{ages, due, rotation, standing};

/// A small generator for choices.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn made_up_reports_are_read_back_from_their_tables_as_they_were() {
    let mut dice = Dice(5);
    let mut maker = Maker(|sides| dice.roll(sides));
    let mut asked = Vec::new();
    for seed in 0..300 {
        let mut whole = maker.rotation();
        if seed % 4 == 0 {
            whole.also = ["account", "team"].map(|word| (word.to_owned(), maker.rotation())).into();
        }
        let stand = maker.standing();
        let (old, late) = (maker.ages(), maker.due());
        let all = [
            printed("table", "rotation", &whole, &rotation(&whole)),
            printed("table", "standing", &stand, &standing(&stand)),
            printed("table", "ages", &old, &ages(&old)),
            printed("table", "due", &late, &due(&late)),
        ];
        asked.push((seed, json!({ "printed": all })));
    }
    let mut cells = 0;
    program::each(asked.into_iter(), |seed: u64, compared| {
        assert_eq!(compared.len(), 4);
        cells += compared.iter().map(|one| right(one, &format!("report {seed}"))).sum::<u64>();
    });
    assert!(cells > 30_000, "hardly anything was compared: {cells}");
}
