//! Least, median and most of some figures.

use std::fmt;

#[derive(Clone, Default)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    pub(crate) fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.0.last().copied().unwrap_or_default();
        write!(f, "{:.1} – {:.1} – {most:.1}", self.0[0], self.median())
    }
}
