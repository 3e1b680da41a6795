//! The rotation report by account: which credentials take people's time.

use std::cmp::Reverse;

use vault_api::report::RotationReport;
use vault_core::account::Subject;
use vault_core::incident::report::{By, Group, Report, Window};

use super::{ReportService, Terms};

impl ReportService {
    /// The report by account in the words of the API: of the accounts of which `may` says that they may be told, the `most` that
    /// took most staff time, first. The whole is that of all.
    pub(super) fn costly(
        &self,
        report: Report,
        window: Window,
        terms: Terms,
        (most, may): (usize, &impl Fn(&Subject) -> bool),
    ) -> RotationReport {
        let (groups, left_out) = costly(report.groups, most, may);
        let shown = self.shown(&Report { groups, ..report }, window, By::Account, terms);
        RotationReport { left_out, ..shown }
    }
}

/// Of the parts those that may be told: the `most` that took most staff time, under the names that people know, and how
/// many there are beyond. Of those that took as much, the one with more incidents comes first.
fn costly(groups: Vec<Group>, most: usize, may: impl Fn(&Subject) -> bool) -> (Vec<Group>, u64) {
    let named = |group: Group| {
        let subject = Subject::from_key(&group.name).filter(&may)?;
        Some(Group { name: subject.to_string(), ..group })
    };
    let mut groups: Vec<Group> = groups.into_iter().filter_map(named).collect();
    groups.sort_by(|one, other| {
        let rank = |group: &Group| Reverse((group.figures.staff_minutes, group.figures.opened));
        rank(one).cmp(&rank(other)).then_with(|| one.name.cmp(&other.name))
    });
    let left_out = groups.len().saturating_sub(most) as u64;
    groups.truncate(most);
    (groups, left_out)
}

#[cfg(test)]
mod tests {
    use vault_core::clock::Timestamp;
    use vault_core::incident::report::Figures;

    use super::*;

    fn group(name: &str, staff_minutes: u64, opened: u64) -> Group {
        let window = Window::until_now(Timestamp::from_secs(1_800_000_000));
        Group {
            name: name.to_owned(),
            window,
            figures: Figures { staff_minutes, opened, ..Figures::default() },
        }
    }

    #[test]
    fn what_took_most_comes_first_and_what_may_not_be_told_is_not_counted() {
        let all = || {
            vec![
                group("a/cheap", 0, 9),
                group("a/dear", 90, 1),
                group("a/hidden", 500, 1),
                group("a/often", 30, 3),
                group("a/once", 30, 1),
                group("m/pg", 31, 1),
            ]
        };
        let told = |most: usize| {
            let hidden = |subject: &Subject| subject.key() != "a/hidden";
            let (groups, left_out) = costly(all(), most, hidden);
            let names: Vec<String> = groups.into_iter().map(|group| group.name).collect();
            (names, left_out)
        };
        let names = ["dear", "management credential of pg", "often", "once", "cheap"].map(str::to_owned);
        assert_eq!(told(10), (names.to_vec(), 0));
        assert_eq!(told(2), (names[..2].to_vec(), 3));
        assert_eq!(told(0), (Vec::new(), 5));
    }
}
