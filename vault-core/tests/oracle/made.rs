//! Made-up reports, with names that are hard to print.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use vault_api::report::{
    AgeBucket, AgeReport, AgedAccount, AgesStanding, AttemptCounts, Budget, Burn, Change, ConsumersStanding,
    DueAccount, DueReport, IncidentCounts, LeaseCounts, LeasesStanding, ReportGroup, RotationCounts,
    RotationReport, Spread, StandingReport, Window, Work,
};

/// Makes figures by a generator of choices.
pub(crate) struct Maker<R>(pub(crate) R);

impl<R: FnMut(u64) -> u64> Maker<R> {
    /// Some figure, of any size.
    fn count(&mut self) -> u64 {
        let most = [2, 100, 5_000, 4_000_000_000][self.place(4)];
        (self.0)(most)
    }

    fn place(&mut self, most: u64) -> usize {
        usize::try_from((self.0)(most)).unwrap()
    }

    /// Millionths of something.
    fn part(&mut self) -> f64 {
        let most = [1_000_000, 100_000_000, 2_000_000_000][self.place(3)];
        Duration::from_micros((self.0)(most) * (1 + (self.0)(40))).as_secs_f64()
    }

    fn maybe<T>(&mut self, one: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if (self.0)(4) == 0 { None } else { Some(one(self)) }
    }

    fn few<T>(&mut self, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..(self.0)(6)).map(|_| one(self)).collect()
    }

    fn name(&mut self) -> String {
        NAMES[self.place(NAMES.len() as u64)].to_owned()
    }

    fn time(&mut self) -> String {
        format!(
            "2026-11-{:02}T{:02}:{:02}:07.{:03}Z",
            1 + (self.0)(28),
            (self.0)(24),
            (self.0)(60),
            (self.0)(1000)
        )
    }

    /// By failures and what ended well.
    fn share(&mut self) -> (u64, u64, Option<f64>) {
        let (failed, succeeded) = ((self.0)(3), self.count());
        let share = (failed * 1_000_000).checked_div(failed + succeeded);
        (succeeded, failed, share.map(|share| Duration::from_micros(share).as_secs_f64()))
    }

    fn spread(&mut self) -> Spread {
        let is_floor = |maker: &mut Self| (maker.0)(2) == 0;
        Spread {
            n: self.count(),
            completed: self.count(),
            censored: self.count(),
            suspect: self.count(),
            mean: self.maybe(Self::part),
            p50: self.maybe(Self::part),
            p50_is_floor: is_floor(self),
            p90: self.maybe(Self::part),
            p90_is_floor: is_floor(self),
            max: self.maybe(Self::part),
            max_is_floor: is_floor(self),
        }
    }

    fn burn(&mut self) -> Option<Burn> {
        self.maybe(|maker| Burn { rate: maker.part(), spent: maker.part() })
    }

    /// A part of the rotation report.
    fn group(&mut self) -> ReportGroup {
        let (succeeded, failed, failure_share) = self.share();
        let rotations = RotationCounts { succeeded, failed, attempts: self.count(), failure_share };
        let (succeeded, failed, failure_share) = self.share();
        let less = |maker: &mut Self| i64::try_from((maker.0)(200)).unwrap() - 100;
        ReportGroup {
            name: self.name(),
            window: Window { from: self.time(), to: self.time() },
            rotations,
            attempts: AttemptCounts { succeeded, failed, failure_share },
            budget: Budget { objective: 99.5, rotations: self.burn(), attempts: self.burn() },
            incidents: IncidentCounts {
                opened: self.count(),
                resolved: self.count(),
                open: self.count(),
                oldest_open_seconds: self.maybe(Self::count),
                never_acknowledged: self.count(),
                never_notified: self.count(),
                withdrawn: self.count(),
            },
            work: Work {
                reviewed: self.count(),
                unreviewed: self.count(),
                staff_minutes: self.count(),
                cost: self.maybe(Self::part),
            },
            ttd: self.spread(),
            ttn: self.spread(),
            tta: self.spread(),
            ttm: self.spread(),
            ttr: self.spread(),
            repairs: Vec::new(),
            change: self.maybe(|maker| Change {
                failed_rotations: less(maker),
                failed_attempts: less(maker),
                opened: less(maker),
            }),
        }
    }

    pub(crate) fn rotation(&mut self) -> RotationReport {
        let whole = self.group();
        RotationReport {
            window: whole.window,
            rotations: whole.rotations,
            attempts: whole.attempts,
            budget: whole.budget,
            incidents: whole.incidents,
            work: whole.work,
            by_class: self.few(|maker| (maker.name(), maker.count())).into_iter().collect(),
            ttd: whole.ttd,
            ttn: whole.ttn,
            tta: whole.tta,
            ttm: whole.ttm,
            ttr: whole.ttr,
            currency: self.maybe(|maker| ["EUR", "=1,2", "a|b"][maker.place(3)].to_owned()),
            groups: self.few(Self::group),
            left_out: (self.0)(3),
            also: BTreeMap::new(),
        }
    }

    fn buckets(&mut self) -> Vec<AgeBucket> {
        let bounds = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 2.0];
        let ends = bounds.iter().skip(1).map(|bound| Some(*bound)).chain([None]);
        let ends: Vec<(f64, Option<f64>)> = bounds.into_iter().zip(ends).collect();
        ends.into_iter().map(|(from, to)| AgeBucket { from, to, accounts: self.count() }).collect()
    }

    pub(crate) fn standing(&mut self) -> StandingReport {
        let leases = |maker: &mut Self| LeaseCounts {
            live: maker.count(),
            overdue: maker.count(),
            stuck: maker.count(),
        };
        let states = ["idle", "backoff", "parked", "grace"];
        let behind: BTreeMap<String, u64> =
            self.few(|maker| ((maker.0)(20).to_string(), maker.count())).into_iter().collect();
        StandingReport {
            as_of: self.time(),
            within_seconds: self.count(),
            accounts: self.count(),
            failing: self.count(),
            overdue: self.count(),
            soon: self.count(),
            never_rotated: self.count(),
            held: self.count(),
            lent: self.count(),
            lent_late: self.count(),
            revoking: self.count(),
            by_state: states.map(|state| (state.to_owned(), self.count())).into(),
            consumers: ConsumersStanding {
                as_of: None,
                current: self.count(),
                lagging: self.count(),
                behind,
            },
            ages: AgesStanding {
                as_of: self.maybe(Self::time),
                buckets: self.buckets(),
                ..Default::default()
            },
            leases: LeasesStanding {
                as_of: self.maybe(Self::time),
                account: leases(self),
                dynamic: leases(self),
            },
        }
    }

    pub(crate) fn ages(&mut self) -> AgeReport {
        AgeReport {
            as_of: self.time(),
            accounts: self.count(),
            without_policy: self.count(),
            without_credential: self.count(),
            never_rotated: self.count(),
            buckets: self.buckets(),
            oldest: self.few(|maker| AgedAccount {
                account: maker.name(),
                target: maker.name(),
                age_seconds: maker.count(),
                period_seconds: maker.count(),
                ratio: maker.part(),
                never_rotated: (maker.0)(2) == 0,
            }),
            left_out: self.maybe(Self::count).unwrap_or_default(),
        }
    }

    pub(crate) fn due(&mut self) -> DueReport {
        DueReport {
            as_of: self.time(),
            within_seconds: self.count(),
            accounts: self.count(),
            overdue: self.count(),
            soon: self.count(),
            never_rotated: self.count(),
            parked: self.count(),
            held: self.count(),
            listed: self.few(|maker| DueAccount {
                account: maker.name(),
                target: maker.name(),
                state: maker.name(),
                due_at: maker.maybe(Self::time),
                overdue_seconds: maker.maybe(Self::count),
                held_until: maker.maybe(Self::time),
                never_rotated: (maker.0)(2) == 0,
                incident: maker.maybe(Self::name),
            }),
            left_out: self.maybe(Self::count).unwrap_or_default(),
        }
    }
}

/// What the program is asked about a report that was printed.
pub(crate) fn printed(form: &str, of: &str, report: &impl serde::Serialize, text: &str) -> Value {
    json!({ "form": form, "of": of, "report": report, "text": text })
}

/// Fails with what the program found to be said otherwise; how many cells it has compared.
pub(crate) fn right(compared: &Value, place: &str) -> u64 {
    assert_eq!(compared["wrong"], json!([]), "{place}");
    compared["cells"].as_u64().unwrap()
}

const NAMES: [&str; 28] = [
    "db/app",
    "a,b",
    "say \"hi\"",
    "\"",
    "a;b",
    "a|b",
    "a\\|b",
    "a\\",
    "a\nb",
    "a\r\nb",
    "=1+2",
    "=\"a\",b",
    "+1",
    "-1",
    "@sum",
    "'=1",
    "'",
    "\t=1",
    "\n=1",
    "\r@",
    "<b>&amp;",
    "`c`",
    "*x*_y_",
    "[l](u)",
    "a b",
    "däta/ключ",
    "~s~ #h",
    "1,5",
];
