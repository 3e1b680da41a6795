//! Plots, drawn here as SVG: numbers in, marks out, and a template that escapes their texts.
//!
//! ```text
//!   report ──► scale (where a number lies) ──► bars, columns, spread, calendar ──► Drawing ──► plot.html
//! ```
//!
//! Everything is pure. A colour never stands alone: beside it there is a number, a pattern or a word, and behind each
//! plot its page has a table with the same figures.

mod bars;
mod calendar;
mod columns;
mod scale;
mod spread;

use askama::Template;
use askama::filters::HtmlSafe;

pub(super) use self::bars::{Bar, bars};
pub(super) use self::calendar::{Day, calendar};
pub(super) use self::columns::{Column, columns};
pub(super) use self::spread::{Dot, Month, spread};

/// A plot, as an element of a page.
#[derive(Template)]
#[template(path = "plot.html")]
pub(super) struct Drawing {
    /// Of this page alone; a word.
    id: &'static str,
    title: String,
    /// What it shows, in words: for who does not see it.
    about: String,
    width: String,
    height: String,
    marks: Vec<Mark>,
}

impl HtmlSafe for Drawing {}

/// What a plot is made of. Coordinates are ready to be written.
enum Mark {
    Line { class: &'static str, from: (String, String), to: (String, String) },
    Rect { class: &'static str, at: (String, String), size: (String, String), said: String },
    Dot { class: &'static str, at: (String, String), radius: &'static str, said: String },
    Text { class: &'static str, anchor: &'static str, at: (String, String), text: String },
}

impl Drawing {
    fn new(id: &'static str, title: &str, about: String, (width, height): (f64, f64)) -> Self {
        Self {
            id,
            title: title.to_owned(),
            about,
            width: point(width),
            height: point(height),
            marks: Vec::new(),
        }
    }

    fn line(&mut self, class: &'static str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.marks.push(Mark::Line { class, from: (point(x1), point(y1)), to: (point(x2), point(y2)) });
    }

    fn rect(&mut self, class: &'static str, (x, y): (f64, f64), (width, height): (f64, f64), said: String) {
        let (at, size) = ((point(x), point(y)), (point(width.max(0.0)), point(height.max(0.0))));
        self.marks.push(Mark::Rect { class, at, size, said });
    }

    fn dot(&mut self, class: &'static str, (x, y): (f64, f64), radius: &'static str, said: String) {
        self.marks.push(Mark::Dot { class, at: (point(x), point(y)), radius, said });
    }

    fn text(&mut self, anchor: &'static str, (x, y): (f64, f64), text: impl Into<String>) {
        self.words("", anchor, (x, y), text);
    }

    fn words(
        &mut self,
        class: &'static str,
        anchor: &'static str,
        (x, y): (f64, f64),
        text: impl Into<String>,
    ) {
        self.marks.push(Mark::Text { class, anchor, at: (point(x), point(y)), text: text.into() });
    }
}

/// A coordinate with one digit after the point.
fn point(value: f64) -> String {
    format!("{:.1}", if value.is_finite() { value } else { 0.0 })
}

/// A count as a number to draw with; beyond four thousand millions it does not matter how far.
pub(super) fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Where a list's item stands.
fn place(index: usize) -> f64 {
    number(index as u64)
}

/// A name that fits beside a plot.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_text_in_a_plot() {
        let mut drawing = Drawing::new("x", "<b>\"", "a & b".to_owned(), (10.0, 10.0));
        drawing.rect("bar", (0.0, 0.0), (-1.0, f64::NAN), "</title><script>".to_owned());
        drawing.text("start", (0.0, 0.0), "<i>");
        let html = drawing.render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<b>") && !html.contains("<i>"), "{html}");
        assert!(
            html.contains(r#"role="img""#) && html.contains("aria-labelledby=\"x-title x-about\""),
            "{html}"
        );
        assert!(
            !html.contains("NaN") && html.contains(r#"width="0.0""#) && !html.contains(" style="),
            "{html}"
        );
    }

    #[test]
    fn a_long_name_is_cut_at_a_letter() {
        assert_eq!(short("unreachable", 11), "unreachable");
        assert_eq!(short("ääää", 3), "ää…");
        assert_eq!(number(u64::MAX), f64::from(u32::MAX));
    }
}
