//! Distributions side by side: of each month the median, the ninetieth percentile, the longest, and single durations.

use super::scale::{Scale, durations};
use super::{Drawing, place};
use crate::dashboard::time::seconds;

/// The durations of a month.
pub(in crate::dashboard) struct Month {
    /// As it is written beneath.
    pub(in crate::dashboard) name: String,
    pub(in crate::dashboard) n: u64,
    pub(in crate::dashboard) p50: Option<f64>,
    pub(in crate::dashboard) p90: Option<f64>,
    pub(in crate::dashboard) max: Option<f64>,
    pub(in crate::dashboard) dots: Vec<Dot>,
}

/// One duration.
#[derive(Clone, Copy)]
pub(in crate::dashboard) struct Dot {
    pub(in crate::dashboard) seconds: f64,
    /// Whether it has not ended.
    pub(in crate::dashboard) is_open: bool,
}

/// Draws `all`, from the left. The scale is by powers, for an outage of a minute and one of a month are both to be seen.
pub(in crate::dashboard) fn spread(id: &'static str, title: &str, all: &[Month]) -> Drawing {
    let told = all.iter().filter(|month| month.n > 0).map(|month| {
        let (half, most) = (seconds(month.p50), seconds(month.max));
        format!(
            "{}: {} incidents, median {half}, 90 % within {}, longest {most}",
            month.name,
            month.n,
            seconds(month.p90)
        )
    });
    let told: Vec<String> = told.collect();
    let is_empty = told.is_empty() && all.iter().all(|month| month.dots.is_empty());
    let about = if told.is_empty() { NOTHING.to_owned() } else { told.join(". ") };
    let mut drawing = Drawing::new(id, title, about, (WIDTH, HEIGHT));
    // Without a duration the scale is that of most.
    let (least, most) = if is_empty { USUAL } else { (lowest(all), highest(all)) };
    let ticks = durations(least, most);
    let ends = (ticks.first().map_or(1.0, |tick| tick.0), ticks.last().map_or(10.0, |tick| tick.0));
    let scale = Scale::log(ends, (HEIGHT - FOOT, HEAD));
    for (tick, name) in &ticks {
        let y = scale.at(*tick);
        drawing.line("grid", (LEFT, y), (WIDTH - RIGHT, y));
        drawing.text("end", (LEFT - 6.0, y + 4.0), *name);
    }
    let step = (WIDTH - LEFT - RIGHT) / place(all.len()).max(1.0);
    for (index, month) in all.iter().enumerate() {
        let middle = LEFT + (place(index) + 0.5) * step;
        drawing.text("middle", (middle, HEIGHT - FOOT + 16.0), month.name.clone());
        drawing.words("soft", "middle", (middle, HEIGHT - FOOT + 31.0), format!("n {}", month.n));
        draw(&mut drawing, month, (middle, (step * 0.3).min(16.0)), scale);
    }
    drawing.line("axis", (LEFT, HEIGHT - FOOT), (WIDTH - RIGHT, HEIGHT - FOOT));
    if is_empty {
        drawing.words("soft", "middle", (f64::midpoint(LEFT, WIDTH), HEIGHT / 2.0), NOTHING);
    }
    drawing
}

/// A box from the median to the ninetieth percentile, a whisker to the longest, and the dots on their left.
fn draw(drawing: &mut Drawing, month: &Month, (middle, half): (f64, f64), scale: Scale) {
    let beside = middle - half - 6.0;
    for dot in &month.dots {
        let class = if dot.is_open { "dot open" } else { "dot" };
        let word = if dot.is_open { "open for" } else { "repaired after" };
        let said = format!("{word} {}", seconds(Some(dot.seconds)));
        drawing.dot(class, (beside, scale.at(dot.seconds)), "3", said);
    }
    let (Some(p50), Some(p90), Some(max)) = (month.p50, month.p90, month.max) else { return };
    let (low, high, top) = (scale.at(p50), scale.at(p90), scale.at(max));
    drawing.line("whisker", (middle, high), (middle, top));
    drawing.line("whisker", (middle - half / 2.0, top), (middle + half / 2.0, top));
    let said = format!("{}: median {}, 90 % within {}", month.name, seconds(Some(p50)), seconds(Some(p90)));
    drawing.rect("box", (middle - half, high), (2.0 * half, low - high), said);
    drawing.line("median", (middle - half - 2.0, low), (middle + half + 2.0, low));
}

fn lowest(all: &[Month]) -> f64 {
    let dots = all.iter().flat_map(|month| month.dots.iter().map(|dot| dot.seconds));
    dots.chain(all.iter().filter_map(|month| month.p50)).fold(f64::INFINITY, f64::min).clamp(1.0, 1e9)
}

fn highest(all: &[Month]) -> f64 {
    let dots = all.iter().flat_map(|month| month.dots.iter().map(|dot| dot.seconds));
    dots.chain(all.iter().filter_map(|month| month.max)).fold(1.0, f64::max)
}

/// What is said where there is no duration.
const NOTHING: &str = "Nothing to show";
/// From a minute to a day.
const USUAL: (f64, f64) = (60.0, 86_400.0);
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 10.0;
const HEAD: f64 = 14.0;
const FOOT: f64 = 44.0;

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;

    fn month(name: &str, figures: Option<(f64, f64, f64)>) -> Month {
        let dots = [Dot { seconds: 90.0, is_open: false }, Dot { seconds: 3600.0, is_open: true }];
        Month {
            name: name.to_owned(),
            n: figures.map_or(0, |_| 2),
            p50: figures.map(|it| it.0),
            p90: figures.map(|it| it.1),
            max: figures.map(|it| it.2),
            dots: if figures.is_some() { dots.to_vec() } else { Vec::new() },
        }
    }

    #[test]
    fn a_month_has_its_box_its_whisker_and_its_dots() {
        let all = [month("2026-10", None), month("2026-11", Some((90.0, 3600.0, 3600.0)))];
        let html = spread("s", "MTTR", &all).render().unwrap();
        for text in [
            "2026-11: 2 incidents, median 1 min 30 s, 90 % within 1 h, longest 1 h",
            r#"class="box""#,
            r#"class="median""#,
            r#"class="dot""#,
            r#"class="dot open""#,
            "open for 1 h",
            "repaired after 1 min 30 s",
            ">10 min<",
            ">n 0<",
        ] {
            assert!(html.contains(text), "{text}: {html}");
        }
        assert_eq!(html.matches(r#"class="box""#).count(), 1, "a month without incidents has none");
    }

    #[test]
    fn without_anything_there_is_an_empty_plot() {
        let html = spread("s", "MTTR", &[month("2026-11", None)]).render().unwrap();
        assert!(html.contains(">Nothing to show</text>"), "{html}");
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        assert!(html.contains(">1 min<") && html.contains(">1 d<") && !html.contains(">1 y<"), "{html}");
        assert!(spread("s", "MTTR", &[]).render().unwrap().contains("<svg"));
    }
}
