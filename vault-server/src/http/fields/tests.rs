//! Parameters in every spelling that clients send.

use super::*;

fn fields(json: &str) -> Fields {
    Fields::from_body(json.as_bytes()).unwrap()
}

#[test]
fn nothing_and_null_are_an_empty_object() {
    for body in ["", " \n", "null", "{}", " null "] {
        assert!(fields(body).is_empty(), "{body:?}");
    }
}

#[test]
fn anything_but_an_object_is_refused_without_showing_it() {
    for body in ["[1]", "\"hunter2\"", "12", "{\"a\":", "hunter2", "{\"a\":1}x", "true"] {
        let Err(ApiError::Invalid(text)) = Fields::from_body(body.as_bytes()) else {
            panic!("{body} was accepted")
        };
        assert!(text.starts_with("failed to decode JSON input: "), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn durations_come_in_every_spelling() {
    let fields =
        fields(r#"{"a":60,"b":"60","c":"1m","d":"","e":"0s","f":0,"g":null,"h":"soon","i":-5,"j":[1]}"#);
    for (name, want) in [
        ("a", Some(60)),
        ("b", Some(60)),
        ("c", Some(60)),
        ("d", None),
        ("e", None),
        ("f", None),
        ("g", None),
        ("x", None),
    ] {
        assert_eq!(fields.duration(name).unwrap(), want.map(Duration::from_secs), "{name}");
    }
    for name in ["h", "i", "j"] {
        assert!(fields.duration(name).is_err(), "{name}");
    }
}

#[test]
fn numbers_and_flags_may_be_strings() {
    let fields = fields(r#"{"n":"2","m":3,"neg":-1,"f":"true","g":false,"h":"1","bad":"maybe","half":1.5}"#);
    assert_eq!(fields.count("n").unwrap(), Some(2));
    assert_eq!(fields.count("m").unwrap(), Some(3));
    assert!(fields.count("neg").is_err());
    assert!(fields.count("half").is_err());
    assert_eq!(fields.flag("f").unwrap(), Some(true));
    assert_eq!(fields.flag("g").unwrap(), Some(false));
    assert_eq!(fields.flag("h").unwrap(), Some(true));
    assert!(fields.flag("bad").is_err());
}

#[test]
fn a_true_list_keeps_commas_and_a_comma_list_splits_them() {
    let fields = fields(r#"{"one":"a,b","many":["a,b","c"],"none":""}"#);
    assert_eq!(fields.list("one").unwrap().unwrap(), ["a,b"]);
    assert_eq!(fields.comma_list("one").unwrap().unwrap(), ["a", "b"]);
    assert_eq!(fields.comma_list("many").unwrap().unwrap(), ["a,b", "c"]);
    assert!(fields.comma_list("none").unwrap().unwrap().is_empty());
    assert_eq!(fields.list("absent").unwrap(), None);
}

#[test]
fn metadata_comes_as_object_as_text_or_as_pairs() {
    let fields = fields(r#"{"o":{"k":"v"},"t":"{\"k\":\"v\"}","p":"k=v","l":["k=v"],"bad":"kv","n":3}"#);
    let want = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    for name in ["o", "t", "p", "l"] {
        assert_eq!(fields.text_map(name).unwrap().unwrap(), want, "{name}");
    }
    assert!(fields.text_map("bad").is_err());
    assert!(fields.text_map("n").is_err());
}

#[test]
fn only_names_nobody_asked_for_are_reported() {
    let fields = fields(r#"{"ttl":"1h","bogus":1,"quiet":2}"#);
    fields.duration("ttl").unwrap();
    fields.ignore(&["quiet"]);
    assert_eq!(fields.asked().unasked(&fields.names()), ["bogus"]);
}

#[test]
fn a_wire_type_takes_its_fields_and_the_rest_is_reported() {
    use vault_api::token::TokenCreate;
    let good = fields(r#"{"ttl":"1h","num_uses":"2","type":"service","bogus":1}"#);
    let request: TokenCreate = good.parse().unwrap();
    assert_eq!((request.ttl.map(|ttl| ttl.0), request.num_uses), (Some(3600), Some(2)));
    assert_eq!(good.asked().unasked(&good.names()), ["bogus"]);

    let bad = fields(r#"{"ttl":"1h","num_uses":"hunter2"}"#).parse::<TokenCreate>();
    let Err(ApiError::Invalid(text)) = bad else { panic!("it was accepted") };
    assert_eq!(text, "'num_uses' has a value of the wrong kind");
}
