//! The stories of `bao`, OpenBao's command line: files of commands and what must come of them.
//!
//! ```text
//!   $ kv put -mount=one app k='a word'   runs bao with these words (quotes as in a shell; no shell runs)
//!   ! 2                                  ends with this code, instead of 0
//!   = user                               prints this text, on either stream
//!   ~ password                           does not print it
//!   > name /data/id                      keeps what stands there in the JSON it printed, as $name
//!   >> name                              keeps the whole text it printed
//!   & in user password                   logs in at the story's database; `& out` is refused there
//! ```

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::database::Database;
use crate::installed;
use crate::server::Begin::{self, Empty, Unsealed};
use crate::server::{Server, root};

async fn story(name: &str, begin: Begin) {
    told(name, begin, None).await;
}

#[tokio::test]
async fn database() {
    told("database", Unsealed, Some(Database::start().await)).await;
}

#[tokio::test]
async fn database_roles() {
    told("database_roles", Unsealed, Some(Database::start().await)).await;
}

async fn told(name: &str, begin: Begin, database: Option<Database>) {
    let server = Server::start(begin).await.unwrap();
    let file = installed::stories("bao").join(format!("{name}.story"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let home = tempfile::tempdir().unwrap();
    let (names, home_path) = (BTreeMap::new(), home.path().to_owned());
    let mut told = Told { names, server: &server, begin, home: home_path, database: database.as_ref() };
    let url = database.as_ref().map(Database::url);
    told.names.extend(url.map(|url| ("postgres".to_owned(), url)));
    told.names.insert("folder".to_owned(), home.path().display().to_string());
    let mut lines =
        text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).peekable();
    let mut commands = 0;
    while let Some((number, line)) = lines.next() {
        let command = line
            .strip_prefix("$ ")
            .unwrap_or_else(|| panic!("{name}:{}: {line:?} is no command", number + 1));
        let mut wants = Vec::new();
        while let Some((_, want)) = lines.next_if(|(_, next)| !next.starts_with("$ ")) {
            wants.push(want);
        }
        let place = format!("{}:{}: bao {command}", file.display(), number + 1);
        told.run(command, &wants, &place).await;
        commands += 1;
    }
    assert!(commands > 0, "{name} has no command");
}

/// One story while it is told.
struct Told<'a> {
    names: BTreeMap<String, String>,
    server: &'a Server,
    begin: Begin,
    home: std::path::PathBuf,
    database: Option<&'a Database>,
}

impl Told<'_> {
    async fn run(&mut self, command: &str, wants: &[&str], place: &str) {
        let words: Vec<String> = words(command).iter().map(|word| self.filled(word)).collect();
        let mut bao = Command::new(installed::bao());
        bao.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.home);
        bao.env("BAO_ADDR", self.server.address());
        let token = match self.names.get("token") {
            Some(token) => token.clone(),
            None if self.begin == Begin::Unsealed => root().to_owned(),
            None => String::new(),
        };
        bao.env("BAO_TOKEN", token).args(&words).stdin(Stdio::null());
        let output = bao.output().await.unwrap();
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let shown = format!("{place}\n{stdout}{stderr}\nthe server:\n{}", self.server.log());
        let mut code = 0;
        for want in wants {
            let (sign, rest) = want.split_once(' ').unwrap_or((want, ""));
            match sign {
                "!" => code = rest.parse().unwrap(),
                "=" => {
                    let text = self.filled(rest);
                    assert!(
                        stdout.contains(&text) || stderr.contains(&text),
                        "{text:?} was expected: {shown}"
                    );
                }
                "~" => {
                    let text = self.filled(rest);
                    assert!(
                        !stdout.contains(&text) && !stderr.contains(&text),
                        "{text:?} was not expected: {shown}"
                    );
                }
                ">" => {
                    let (name, pointer) = rest.split_once(' ').unwrap();
                    let value: Value =
                        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {shown}"));
                    let found =
                        value.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is missing: {shown}"));
                    let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                    self.names.insert(name.to_owned(), text);
                }
                ">>" => {
                    self.names.insert(rest.to_owned(), stdout.trim().to_owned());
                }
                "&" => {
                    let words: Vec<String> = rest.split(' ').map(|word| self.filled(word)).collect();
                    let [wanted, username, password] = words.as_slice() else { panic!("{place}: {want:?}") };
                    let is_in = self.database.unwrap().lets_in(username, password).await;
                    assert_eq!(if is_in { "in" } else { "out" }, wanted, "{want}: {shown}");
                }
                _ => panic!("{place}: {want:?} is not understood"),
            }
        }
        assert_eq!(output.status.code(), Some(code), "{shown}");
    }

    fn filled(&self, word: &str) -> String {
        let mut out = word.to_owned();
        // The longest name first, so that $key does not take $key2's place.
        for (name, value) in self.names.iter().rev() {
            out = out.replace(&format!("${name}"), value);
        }
        out
    }
}

/// Splits as a shell does, with both kinds of quotes and nothing else.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut inside) = (Vec::new(), String::new(), None, false);
    for letter in line.chars() {
        match (letter, quote) {
            (mark, Some(open)) if mark == open => quote = None,
            (letter, Some(_)) => word.push(letter),
            ('\'' | '"', None) => (quote, inside) = (Some(letter), true),
            (' ', None) => {
                if inside {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            (letter, None) => {
                word.push(letter);
                inside = true;
            }
        }
    }
    if inside {
        words.push(word);
    }
    words
}

#[test]
fn words_are_split_as_a_shell_splits_them() {
    assert_eq!(words(r#"kv put  a='b c' d="e'f" g=''"#), ["kv", "put", "a=b c", "d=e'f", "g="]);
}

stories! {
    operator: Empty,
    rekey: Empty,
    generate_root: Empty,
    secrets: Unsealed,
    auth: Unsealed,
    policies: Unsealed,
    tokens: Unsealed,
    kv1: Unsealed,
    kv2: Unsealed,
    approle: Unsealed,
    userpass: Unsealed,
    wrapping: Unsealed,
    cubbyhole: Unsealed,
    leases: Unsealed,
    audit: Unsealed,
}
