//! Settings and secrets from arguments, files and standard input.

use super::*;
use crate::{args::output::Format, console::fake};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn values_come_from_words_files_and_standard_input() {
    let folder = std::env::temp_dir().join(format!("rotunda-input-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("value");
    fs::write(&file, "from file\n").unwrap();
    let json = folder.join("object.json");
    fs::write(&json, r#"{"n": 12345678901234567890, "list": ["x"]}"#).unwrap();

    let (mut console, _) = fake::console(Format::Table, "from stdin\n");
    let typed = words(&[
        "a=b=c",
        "empty=",
        "escaped=\\@home",
        &format!("file=@{}", file.display()),
        "password=-",
        &format!("@{}", json.display()),
    ]);
    let settings = settings(&typed, Ending::WithoutNewline, &mut console).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let expected = r#"{"a":"b=c","empty":"","escaped":"@home","file":"from file","list":["x"],"n":12345678901234567890,"password":"from stdin"}"#;
    assert_eq!(Value::Object(settings).to_string(), expected);
}

#[test]
fn a_generic_write_keeps_standard_input_byte_for_byte() {
    let (mut console, _) = fake::console(Format::Table, "line\n");
    let settings = settings(&words(&["text=-"]), Ending::AsIs, &mut console).unwrap();
    assert_eq!(settings["text"], "line\n");
}

#[test]
fn a_mistake_is_named_and_never_quotes_what_standard_input_held() {
    for (typed, input, message) in [
        (words(&["novalue"]), "", "\"novalue\" is no setting"),
        (words(&["=x"]), "", "is no setting"),
        (words(&["a=1", "a=2"]), "", "a is given twice"),
        (words(&["a=-", "b=-"]), "x", "only one value may be `-`"),
        (words(&["a=@/nowhere/at/all"]), "", "cannot read /nowhere/at/all"),
        (words(&["-"]), "canary", "holds no JSON: line 1"),
        (words(&["-"]), "[\"canary\"]", "must hold a JSON object"),
    ] {
        let (mut console, printed) = fake::console(Format::Table, input);
        let failure = settings(&typed, Ending::AsIs, &mut console).unwrap_err();
        assert!(failure.to_string().contains(message), "{typed:?}: {failure}");
        assert!(!failure.to_string().contains("canary"));
        assert_eq!((failure.exit().code(), printed.out()), (2, String::new()));
    }
}

#[test]
fn a_password_among_the_arguments_is_warned_about_without_being_repeated() {
    let (mut console, printed) = fake::console(Format::Table, "");
    settings(&words(&["password=canary", "username=app"]), Ending::AsIs, &mut console).unwrap();
    assert!(printed.err().contains("password=-"), "{}", printed.err());
    assert!(!printed.err().contains("canary"));
}

#[test]
fn a_secret_is_read_from_standard_input_without_its_newline() {
    let (mut console, _) = fake::console(Format::Table, "share\r\n");
    assert_eq!(secret::given(None, "share", &mut console).unwrap().expose(), "share");
    let (mut console, _) = fake::console(Format::Table, "");
    assert!(
        secret::given(None, "share", &mut console).unwrap_err().to_string().contains("no share was given")
    );
}
