//! `sys/metrics`.

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    // What is asked for is what is accepted: Vault's `format=prometheus` needs no answer of its own.
    context.fields().ignore(&["format"]);
    let app = &context.app;
    let position = app.barrier.store().position().map(|position| (position.commit, position.records));
    app.metrics.observe(app.barrier.is_sealed(), position, app.mounts.table().unread().count());
    let text = app.metrics.text().map_err(|_| ApiError::Internal)?;
    Ok(if context.request.takes_open_metrics {
        Answer::text("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
    } else {
        Answer::text("text/plain; version=0.0.4; charset=utf-8", classic(&text))
    })
}

/// The same in [Prometheus' own form](https://prometheus.io/docs/instrumenting/exposition_formats/), for whom knows no
/// other: there a counter is described under the whole name of its series, and nothing says where the text ends.
fn classic(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let kind = if line.starts_with("# HELP ") { lines.peek().copied().unwrap_or_default() } else { line };
        let counter = kind.strip_prefix("# TYPE ").and_then(|kind| kind.strip_suffix(" counter"));
        match (line, counter) {
            ("# EOF", _) => {}
            (line, Some(name)) => {
                out.push_str(&line.replacen(&format!(" {name} "), &format!(" {name}_total "), 1));
                out.push('\n');
            }
            (line, None) => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_described_under_the_name_of_its_series() {
        let open = "# HELP a_b Things.\n# TYPE a_b counter\na_b_total{x=\"a_b counter\"} 2\n# HELP a_b_now Now.\n\
                    # TYPE a_b_now gauge\na_b_now 1\n# EOF\n";
        let classic_form = "# HELP a_b_total Things.\n# TYPE a_b_total counter\na_b_total{x=\"a_b counter\"} 2\n\
                            # HELP a_b_now Now.\n# TYPE a_b_now gauge\na_b_now 1\n";
        assert_eq!(classic(open), classic_form);
    }
}
