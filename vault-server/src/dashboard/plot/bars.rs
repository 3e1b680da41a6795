//! Bars that lie: one for each word, the number at its end.

use super::scale::Scale;
use super::{Drawing, place, short};

/// One bar.
pub(in crate::dashboard) struct Bar {
    pub(in crate::dashboard) name: String,
    pub(in crate::dashboard) value: f64,
    /// What stands at its end.
    pub(in crate::dashboard) said: String,
    /// Whether it is one that should not be.
    pub(in crate::dashboard) is_bad: bool,
}

/// Draws `all`, from the top; with `limit` a line where a bar should end at most, and its name.
pub(in crate::dashboard) fn bars(
    id: &'static str,
    title: &str,
    all: &[Bar],
    limit: Option<(f64, &str)>,
) -> Drawing {
    let told: Vec<String> = all.iter().map(|bar| format!("{}: {}", bar.name, bar.said)).collect();
    let height = HEAD + place(all.len()) * STEP + FOOT;
    let mut drawing = Drawing::new(id, title, told.join(". "), (WIDTH, height));
    let most = all.iter().map(|bar| bar.value).chain(limit.map(|(value, _)| value)).fold(0.0, f64::max);
    let scale = Scale::linear((0.0, if most > 0.0 { most } else { 1.0 }), (LEFT, WIDTH - RIGHT));
    drawing.line("axis", (LEFT, HEAD - 4.0), (LEFT, height - FOOT));
    for (index, bar) in all.iter().enumerate() {
        let top = HEAD + place(index) * STEP;
        let end = scale.at(bar.value);
        let class = if bar.is_bad { "bar late" } else { "bar" };
        drawing.text("end", (LEFT - 8.0, top + MIDDLE), short(&bar.name, NAME_MAX));
        drawing.rect(class, (LEFT, top), (end - LEFT, THICK), format!("{}: {}", bar.name, bar.said));
        drawing.text("start", (end + 6.0, top + MIDDLE), bar.said.clone());
    }
    if let Some((value, name)) = limit {
        let at = scale.at(value);
        drawing.line("limit", (at, HEAD - 8.0), (at, height - FOOT));
        drawing.text("middle", (at, HEAD - 12.0), name);
    }
    drawing
}

const WIDTH: f64 = 720.0;
/// Room for names.
const LEFT: f64 = 210.0;
/// Room for the text at the end of the longest.
const RIGHT: f64 = 150.0;
const HEAD: f64 = 28.0;
const FOOT: f64 = 8.0;
const STEP: f64 = 28.0;
const THICK: f64 = 18.0;
/// Where text stands beside a bar.
const MIDDLE: f64 = 14.0;
const NAME_MAX: usize = 26;

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;

    fn bar(name: &str, value: f64) -> Bar {
        Bar { name: name.to_owned(), value, said: format!("{value}"), is_bad: value > 2.0 }
    }

    #[test]
    fn the_longest_bar_fills_the_plot_and_all_are_told_in_words() {
        let html = bars("b", "Failures", &[bar("tls", 4.0), bar("drift", 1.0)], None).render().unwrap();
        assert!(html.contains(r#"class="bar late" x="210.0" y="28.0" width="360.0""#), "{html}");
        assert!(html.contains(r#"class="bar" x="210.0" y="56.0" width="90.0""#), "{html}");
        assert!(html.contains("tls: 4. drift: 1"), "{html}");
    }

    #[test]
    fn a_limit_beyond_all_bars_is_on_the_plot() {
        let html = bars("b", "Budget", &[bar("spent", 0.5)], Some((1.0, "all of it"))).render().unwrap();
        assert!(html.contains(r#"class="limit" x1="570.0""#) && html.contains(">all of it<"), "{html}");
        assert!(html.contains(r#"width="180.0""#), "{html}");
        assert!(bars("b", "None", &[], None).render().unwrap().contains("<svg"));
    }
}
