//! Columns that stand: a histogram, with the count above each.

use super::scale::{Scale, counts};
use super::{Drawing, number, place};

/// One column.
pub(in crate::dashboard) struct Column {
    /// What stands beneath it.
    pub(in crate::dashboard) name: String,
    pub(in crate::dashboard) count: u64,
    /// Whether nothing should be in it.
    pub(in crate::dashboard) is_bad: bool,
}

/// Draws `all`, from the left; `beneath` says what the names mean.
pub(in crate::dashboard) fn columns(id: &'static str, title: &str, all: &[Column], beneath: &str) -> Drawing {
    let told: Vec<String> = all.iter().map(|column| format!("{}: {}", column.name, column.count)).collect();
    let mut drawing = Drawing::new(id, title, told.join(". "), (WIDTH, HEIGHT));
    let ticks = counts(all.iter().map(|column| number(column.count)).fold(0.0, f64::max));
    let top = ticks.last().copied().unwrap_or(1.0);
    let scale = Scale::linear((0.0, top), (HEIGHT - FOOT, HEAD));
    for tick in &ticks {
        let y = scale.at(*tick);
        drawing.line("grid", (LEFT, y), (WIDTH - RIGHT, y));
        drawing.text("end", (LEFT - 6.0, y + 4.0), format!("{tick}"));
    }
    let step = (WIDTH - LEFT - RIGHT) / place(all.len()).max(1.0);
    for (index, column) in all.iter().enumerate() {
        let (left, y) = (LEFT + place(index) * step, scale.at(number(column.count)));
        let class = if column.is_bad { "bar late" } else { "bar" };
        let said = format!("{}: {}", column.name, column.count);
        drawing.rect(class, (left + step * 0.1, y), (step * 0.8, HEIGHT - FOOT - y), said);
        let middle = left + step / 2.0;
        drawing.text("middle", (middle, y - 4.0), column.count.to_string());
        drawing.text("middle", (middle, HEIGHT - FOOT + 16.0), column.name.clone());
    }
    drawing.line("axis", (LEFT, HEIGHT - FOOT), (WIDTH - RIGHT, HEIGHT - FOOT));
    drawing.words("soft", "middle", (f64::midpoint(LEFT, WIDTH), HEIGHT - 6.0), beneath);
    drawing
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 10.0;
const HEAD: f64 = 24.0;
const FOOT: f64 = 46.0;

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;

    #[test]
    fn a_column_is_as_high_as_its_count() {
        let column = |name: &str, count, is_bad| Column { name: name.to_owned(), count, is_bad };
        let all = [column("a", 4, false), column("b", 2, true), column("c", 0, false)];
        let html = columns("c", "Ages", &all, "age by period").render().unwrap();
        // 190 high for 4.
        assert!(html.contains(r#"height="190.0"><title>a: 4</title>"#), "{html}");
        assert!(html.contains(r#"height="95.0"><title>b: 2</title>"#) && html.contains("bar late"), "{html}");
        assert!(html.contains(r#"height="0.0"><title>c: 0</title>"#), "{html}");
        assert!(html.contains("a: 4. b: 2. c: 0") && html.contains("age by period"), "{html}");
        assert!(columns("c", "None", &[], "").render().unwrap().contains("<svg"));
    }
}
