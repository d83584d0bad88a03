//! Who one is: accounts, the app and its installation.

use serde_json::{Value, json};

use super::Visit;
use crate::github::call::Reply;
use crate::github::clock::{self, text};
use crate::github::render::join;
use crate::github::world::{App, Token, Who, World};

impl World {
    pub(super) fn whoami(&self, who: &Who) -> Reply {
        let Who::User(login) = who else {
            return Reply::error(403, "Resource not accessible by integration");
        };
        let mut shown = self.user(login);
        let extra = json!({
            "name": null, "company": null, "blog": null, "location": null, "email": null, "hireable": null, "bio": null,
            "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
            "created_at": text(self.created), "updated_at": text(self.created),
        });
        join(&mut shown, extra);
        Reply::ok(shown)
    }

    pub(super) fn app_route(&mut self, visit: &Visit<'_>, rest: &[&str]) -> Reply {
        let app = self.app.clone().filter(|_| visit.who == Who::App);
        let Some(app) = app else {
            return Reply::error(401, "A JSON web token could not be decoded");
        };
        match (visit.asked.method.as_str(), rest) {
            ("GET", []) => Reply::ok(self.app_shown(&app)),
            ("GET", ["installations"]) => {
                let shown = vec![self.installation_shown(&app)];
                self.page_of(visit, shown, |list| list)
            }
            ("GET", ["installations", id]) if *id == app.installation.to_string() => {
                Reply::ok(self.installation_shown(&app))
            }
            ("POST", ["installations", id, "access_tokens"]) if *id == app.installation.to_string() => {
                self.give_token(&app)
            }
            _ => Reply::unknown(),
        }
    }

    pub(super) fn installation_of_repository(&self, who: &Who) -> Reply {
        match self.app.as_ref().filter(|_| *who == Who::App) {
            Some(app) => Reply::ok(self.installation_shown(app)),
            None => Reply::error(401, "A JSON web token could not be decoded"),
        }
    }

    fn give_token(&mut self, app: &App) -> Reply {
        let value = format!("ghs_{:036}", self.id() * 7_919_919);
        let ends = clock::now() + app.lifetime;
        let who = Who::Installation("nixwright[bot]".to_owned());
        self.tokens.push(Token { value: value.clone(), who, ends: Some(ends), refused: false });
        Reply::json(
            201,
            json!({
                "token": value, "expires_at": text(ends), "permissions": permissions(),
                "repository_selection": "selected",
            }),
        )
    }

    fn app_shown(&self, app: &App) -> Value {
        json!({
            "id": app.id,
            "slug": "nixwright",
            "node_id": format!("A_{}", app.id),
            "owner": self.user(&self.settings.owner),
            "name": "nixwright",
            "description": null,
            "external_url": self.base,
            "html_url": format!("{}/apps/nixwright", self.base),
            "created_at": text(self.created),
            "updated_at": text(self.created),
            "permissions": permissions(),
            "events": [],
        })
    }

    fn installation_shown(&self, app: &App) -> Value {
        let api = format!("{}/app/installations/{}", self.api(), app.installation);
        json!({
            "id": app.installation,
            "account": self.user(&self.settings.owner),
            "repository_selection": "selected",
            "access_tokens_url": format!("{api}/access_tokens"),
            "repositories_url": format!("{}/installation/repositories", self.api()),
            "html_url": format!("{}/settings/installations/{}", self.base, app.installation),
            "app_id": app.id,
            "target_id": 1,
            "target_type": "Organization",
            "permissions": permissions(),
            "events": [],
            "created_at": text(self.created),
            "updated_at": text(self.created),
            "single_file_name": null,
            "app_slug": "nixwright",
            "suspended_by": null,
            "suspended_at": null,
        })
    }
}

/// What the bot's app may do.
fn permissions() -> Value {
    json!({ "contents": "write", "pull_requests": "write", "statuses": "write", "issues": "write", "metadata": "read" })
}
