//! `rotunda plugin …`.

use serde_json::json;

use super::{Session, trimmed};
use crate::{
    args::plugin::{PluginName, PluginRegisterArgs, PluginWord},
    client::Request,
    failure::{Exit, Failure},
};

pub(super) async fn run(word: PluginWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        PluginWord::Register(args) => register(&args, session).await,
        PluginWord::List(args) => {
            let path = format!("{CATALOG}/{}", trimmed(&args.kind));
            let answer = session.ask("listing", Request::list(path)).await?;
            session.show_names(&answer)?;
            Ok(Exit::Done)
        }
        PluginWord::Read(name) => {
            let answer = session.ask("reading the plugin", Request::get(place(&name))).await?;
            session.show_record(&answer, &["name", "command", "sha256"], "nothing is known")?;
            Ok(Exit::Done)
        }
        PluginWord::Deregister(name) => {
            let answer = session.ask("deregistering", Request::delete(place(&name))).await?;
            session.done(&answer, &format!("plugin {} is not registered any more", name.parts().1))
        }
    }
}

async fn register(args: &PluginRegisterArgs, session: &mut Session) -> Result<Exit, Failure> {
    let (_, name) = args.name.parts();
    let body = json!({
        "sha256": args.sha256,
        "command": args.command.as_deref().unwrap_or(name),
        "args": args.args,
        "env": args.env,
    });
    let request = Request::post(place(&args.name)).sending(&body)?;
    let answer = session.ask("trying the plugin", request).await?;
    session.done(&answer, &format!("plugin {name} is registered: targets name it as rotator=plugin:{name}"))
}

fn place(name: &PluginName) -> String {
    let (kind, name) = name.parts();
    format!("{CATALOG}/{}/{}", trimmed(kind), trimmed(name))
}

const CATALOG: &str = "sys/plugins/catalog";
