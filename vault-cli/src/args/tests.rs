//! The command line as it is typed: what parses, and what is refused.

use std::ffi::OsString;

use clap::CommandFactory as _;

use super::*;

fn parse(line: &str) -> Result<Parsed, clap::Error> {
    crate::parse(split(line).into_iter().map(OsString::from))
}

/// Takes a line apart as a shell does, as far as the examples need it.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            letter => {
                word.push(letter);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
    let path = if path.is_empty() {
        command.get_name().to_owned()
    } else {
        format!("{path} {}", command.get_name())
    };
    if command.get_subcommands().next().is_none() {
        found.push((path, command.clone()));
        return;
    }
    for below in command.get_subcommands() {
        leaves(below, &path, found);
    }
}

#[test]
fn the_command_tree_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_explains_itself_with_examples_that_parse() {
    let mut found = Vec::new();
    leaves(&Cli::command(), "", &mut found);
    assert!(found.len() > 50, "only {} commands", found.len());
    for (path, command) in found {
        assert!(command.get_about().is_some(), "{path} says nothing about itself");
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Examples:"), "{path} has no examples");
        let joined = help.replace("\\\n", " ");
        let examples: Vec<&str> =
            joined.lines().map(str::trim).filter(|line| line.starts_with("rotunda ")).collect();
        assert!(!examples.is_empty(), "{path} has no example");
        for example in examples {
            let typed = example.split([';', '>', '<', '#']).next().unwrap();
            assert!(typed.starts_with(&path), "{path}: {example}");
            if let Err(refusal) = parse(typed) {
                panic!("{example}: {refusal}");
            }
        }
    }
}

#[test]
fn every_command_of_a_runbook_parses() {
    let document = include_str!("../../../docs/runbooks.md");
    let blocks = document.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let typed: Vec<&str> = blocks
        .flat_map(str::lines)
        .map(|line| line.split(" #").next().unwrap().trim())
        .filter(|line| line.starts_with("rotunda "))
        .collect();
    assert!(typed.len() > 40, "only {} commands", typed.len());
    for line in typed {
        parse(line).unwrap_or_else(|refusal| panic!("{line}: {refusal}"));
    }
}

#[test]
fn words_go_to_whoever_can_carry_them_out() {
    for (line, who) in [
        ("rotunda server --config x.toml", "server"),
        ("rotunda server --listen 127.0.0.1:1 --data d", "server"),
        ("rotunda dev", "dev"),
        ("rotunda drill", "drill"),
        ("rotunda drill --format markdown", "drill"),
        ("rotunda audit verify a.jsonl", "offline"),
        ("rotunda operator verify --data d", "offline"),
        ("rotunda operator verify --data d --engine redb", "offline"),
        ("rotunda operator migrate-store --from sled:a --to redb:b", "offline"),
        ("rotunda operator verify", "client"),
        ("rotunda status", "client"),
        ("rotunda --format json status", "client"),
        ("rotunda read sys/health --address http://127.0.0.1:1", "client"),
        ("rotunda run --account a -- sh -c true", "client"),
        ("rotunda plugin-run", "plugin"),
    ] {
        let parsed = match parse(line).unwrap_or_else(|refusal| panic!("{line}: {refusal}")) {
            Parsed::Server(_) => "server",
            Parsed::Dev(_) => "dev",
            Parsed::Drill(..) => "drill",
            Parsed::Offline(_) => "offline",
            Parsed::Client(_) => "client",
            Parsed::Plugin(_) => "plugin",
        };
        assert_eq!(parsed, who, "{line}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_code_2() {
    for line in [
        "rotunda",
        "rotunda server",
        "rotunda server --listen 127.0.0.1:1",
        "rotunda server --config x --address http://127.0.0.1:1",
        "rotunda --address http://127.0.0.1:1 dev",
        "rotunda audit verify a --token t",
        "rotunda operator init --passphrase --key-shares 3",
        "rotunda operator unseal share --reset",
        "rotunda operator rekey --init --verify",
        "rotunda operator rekey --key-shares 3",
        "rotunda operator rekey share --cancel",
        "rotunda operator rekey --init --passphrase --key-shares 3",
        "rotunda operator generate-root share --init",
        "rotunda operator migrate-store --from sled:a --to redb:a",
        "rotunda operator migrate-store --from sled --to redb:b",
        "rotunda operator migrate-store --from lmdb:a --to redb:b",
        "rotunda operator verify --engine sled",
        "rotunda account delete db/app",
        "rotunda account delete db/app --disposal forget",
        "rotunda account status db/app --state parked",
        "rotunda account status --state broken",
        "rotunda check-out db/app --ttl soon",
        "rotunda rotate --target pg --force",
        "rotunda rotate",
        "rotunda rotate db/app --all",
        "rotunda rotate db/app --dry-run",
        "rotunda rotate --all --target pg",
        "rotunda respond",
        "rotunda respond --all --revoke",
        "rotunda rotate --all --pace fast",
        "rotunda offboard",
        "rotunda run --account a",
        "rotunda run --account a --env-user 1X -- true",
        "rotunda token revoke",
        "rotunda token revoke --self --accessor a",
        "rotunda write p",
        "rotunda status --format yaml",
        "rotunda status --format csv",
        "rotunda incident list --format markdown",
        "rotunda drill --format csv",
        "rotunda drill --only mysql",
        "rotunda drill --accounts 3",
        "rotunda drill --address http://127.0.0.1:1",
        "rotunda nonsense",
    ] {
        let refusal = parse(line).expect_err(line);
        assert_eq!(refusal.exit_code(), 2, "{line}");
    }
}

#[test]
fn secrets_among_the_arguments_do_not_show_in_debug_output() {
    for line in [
        "rotunda status --token canary",
        "rotunda dev --root-token canary",
        "rotunda login canary",
        "rotunda operator unseal canary",
        "rotunda operator rekey canary",
        "rotunda operator generate-root canary",
        "rotunda token lookup canary",
        "rotunda token revoke canary",
    ] {
        let shown = format!("{:?}", parse(line).unwrap());
        assert!(shown.contains("redacted") && !shown.contains("canary"), "{line}: {shown}");
    }
}

#[test]
fn a_store_is_named_by_engine_and_folder() {
    let Parsed::Offline(OfflineCommand::MigrateStore { args, .. }) =
        parse("rotunda operator migrate-store --from sled:/a:b --to redb:c").unwrap()
    else {
        panic!("not an offline command")
    };
    assert_eq!((args.from.engine, args.from.directory.to_str()), (offline::StoreEngine::Sled, Some("/a:b")));
    assert_eq!((args.to.engine, args.to.directory.to_str()), (offline::StoreEngine::Redb, Some("c")));
}
