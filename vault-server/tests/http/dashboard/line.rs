//! The time line on the page of an incident.

use serde_json::json;

use super::Browser;
use super::safety::failing;

#[tokio::test]
async fn a_long_time_line_is_read_in_pages() {
    let (bench, id) = failing().await;
    for number in 0..460 {
        let body = json!({ "text": format!("note-{number}.") });
        bench.post(&format!("incidents/{id}/note"), body).await.expect_status(200);
    }
    let total = bench.get(&format!("incidents/{id}")).await.at("/data/events_total").as_u64().unwrap();
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let address = |from: u64| format!("href=\"/ui/incident/{id}?line={from}#line\"");
    let page = browser.get(&format!("/ui/incident/{id}")).await.text;
    assert!(page.contains(&format!("{} lines in the middle", total - 250)), "{page}");
    assert!(
        page.contains(&address(50)) && page.contains("note-459.") && !page.contains("note-100."),
        "{page}"
    );
    let page = browser.get(&format!("/ui/incident/{id}?line=50")).await.text;
    assert!(page.contains(&format!("Lines 51 to 250 of {total}, oldest first.")), "{page}");
    assert!(page.contains("note-100.") && !page.contains("note-459."), "{page}");
    assert!(page.contains(&format!("rel=\"prev\" {}>Older", address(0))), "{page}");
    assert!(page.contains(&format!("rel=\"next\" {}>Newer", address(250))), "{page}");
    assert!(page.contains(&format!("data-refresh=\"/ui/incident/{id}?line=50&#38;auto=1\"")), "{page}");
    let first = browser.get(&format!("/ui/incident/{id}?line=0")).await.text;
    assert!(first.contains("Lines 1 to 200 of") && !first.contains("rel=\"prev\""), "{first}");
    let last = browser.get(&format!("/ui/incident/{id}?line=450")).await.text;
    assert!(last.contains(&format!("Lines 451 to {total} of {total}")), "{last}");
    assert!(last.contains("note-459.") && !last.contains("rel=\"next\""), "{last}");
    // Each line is on exactly one page.
    let mut pages = String::new();
    for from in [0, 200, 400] {
        pages.push_str(&browser.get(&format!("/ui/incident/{id}?line={from}")).await.text);
    }
    for number in 0..460 {
        assert_eq!(pages.matches(&format!("note-{number}.")).count(), 1, "{number}");
    }
    for beyond in ["9999", "18446744073709551615"] {
        let none = browser.get(&format!("/ui/incident/{id}?line={beyond}")).await;
        assert!(none.status == 200 && none.text.contains("No line is there."), "{}", none.text);
        assert!(none.text.contains(&address(total - 200)), "{}", none.text);
    }
    let odd = browser.get(&format!("/ui/incident/{id}?line=%3Cb%3E")).await;
    assert!(odd.status == 200 && odd.text.contains("lines in the middle"), "{}", odd.text);
}
