//! `[reports]`: what reports reckon with.

use std::time::Duration;

use super::checked::Mend;
use super::raw::RawReports;

/// What reports reckon with where a request says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// What an hour of staff costs, in hundredths of the currency.
    pub hourly_cost: Option<u64>,
    /// What costs are counted in: three capital letters, as ISO 4217 has them.
    pub currency: Option<String>,
}

impl Reports {
    /// The price as it is written.
    #[must_use]
    pub fn price(&self) -> Option<f64> {
        // By way of a duration, which is divided without a cast that could lose digits unseen.
        self.hourly_cost.map(|hundredths| Duration::from_millis(hundredths.saturating_mul(10)).as_secs_f64())
    }
}

pub(super) fn reports(raw: RawReports) -> Result<Reports, Mend> {
    let hourly_cost = raw.hourly_cost.map(hundredths).transpose();
    let hourly_cost = hourly_cost.map_err(|mend| ("reports.hourly_cost", mend))?;
    if let Some(currency) = &raw.currency
        && !(currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        let mend = format!("{currency:?} is not three capital letters such as \"EUR\"");
        return Err(("reports.currency", mend));
    }
    Ok(Reports { hourly_cost, currency: raw.currency })
}

/// A price with at most two digits after the point. TOML has binary fractions only, so it is judged by how it is written in
/// full: `85.1` is that, and not the nearest fraction.
fn hundredths(price: f64) -> Result<u64, String> {
    let written = price.to_string();
    let (whole, part) = written.split_once('.').unwrap_or((&written, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = !whole.is_empty() && is_digits(whole) && part.len() <= 2 && is_digits(part);
    let hundredths = format!("{whole}{part:0<2}").parse().ok().filter(|_| is_plain);
    hundredths
        .filter(|hundredths| *hundredths <= HOURLY_COST_MAX)
        .ok_or_else(|| "it must be a number such as 85.50, from 0 to 1000000".to_owned())
}

/// A million, in hundredths.
pub const HOURLY_COST_MAX: u64 = 100_000_000;
