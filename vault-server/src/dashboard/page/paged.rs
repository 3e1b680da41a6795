//! A page of a long table.

/// Some rows, and where the others are.
pub(super) struct Paged<T> {
    pub(super) rows: Vec<T>,
    /// All that fit.
    pub(super) found: usize,
    /// The place of the first row, from 1 on; 0 when there is none.
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) earlier: Option<String>,
    pub(super) later: Option<String>,
}

/// Page `page`, from 1 on, of `all`; one beyond the end is the last one.
pub(super) fn cut<T>(all: Vec<T>, page: usize, address: impl Fn(usize) -> String) -> Paged<T> {
    let found = all.len();
    let page = page.clamp(1, last_page(found));
    paged(all.into_iter().skip(before(page)).take(PAGE).collect(), found, page, address)
}

/// Page `page`, from 1 on, of `found` in all, with `rows` on it.
pub(super) fn paged<T>(
    rows: Vec<T>,
    found: usize,
    page: usize,
    address: impl Fn(usize) -> String,
) -> Paged<T> {
    let before = before(page);
    Paged {
        first: if rows.is_empty() { 0 } else { before + 1 },
        last: before + rows.len(),
        earlier: (page > 1).then(|| address(page - 1)),
        later: (before + rows.len() < found).then(|| address(page + 1)),
        rows,
        found,
    }
}

/// The number of the last page of so many rows, from 1 on.
pub(super) fn last_page(found: usize) -> usize {
    found.div_ceil(PAGE).max(1)
}

/// Rows before page `page`.
pub(super) fn before(page: usize) -> usize {
    page.saturating_sub(1).saturating_mul(PAGE)
}

/// Rows of one page.
pub(super) const PAGE: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_beyond_the_end_is_the_last_one() {
        let at = |page: usize| page.to_string();
        for (count, page, want) in [
            (0, 1, (0, 0, None, None)),
            (50, 1, (1, 50, None, None)),
            (51, 1, (1, 50, None, Some("2"))),
            (51, 2, (51, 51, Some("1"), None)),
            (51, usize::MAX, (51, 51, Some("1"), None)),
            (51, 0, (1, 50, None, Some("2"))),
        ] {
            let paged = cut(vec![(); count], page, at);
            let seen = (paged.first, paged.last, paged.earlier.as_deref(), paged.later.as_deref());
            assert_eq!((seen, paged.found), (want, count), "{count} {page}");
        }
    }
}
