//! Who may come in: tokens, and the signed proof by which an app says who it is.

use data_encoding::BASE64;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::call::{Asked, Reply};
use super::clock;
use super::world::{Who, World};

impl World {
    /// Who sends a request to the API.
    pub(super) fn caller(&self, asked: &Asked) -> Result<Who, Reply> {
        let (kind, value) = asked.header("authorization").split_once(' ').unwrap_or_default();
        if !["bearer", "token"].contains(&kind.to_lowercase().as_str()) {
            return Err(Reply::error(401, "Requires authentication"));
        }
        if value.matches('.').count() == 2 {
            return self.app_proved(value).map_err(|message| Reply::error(401, message));
        }
        self.bearer(value).ok_or_else(|| Reply::error(401, "Bad credentials"))
    }

    /// Who may fetch or push with git: `Basic`, with any name and a token as its password.
    pub(super) fn git_caller(&self, asked: &Asked) -> Option<Who> {
        let (kind, value) = asked.header("authorization").split_once(' ')?;
        let pair = BASE64.decode(value.as_bytes()).ok().filter(|_| kind.eq_ignore_ascii_case("basic"))?;
        let pair = String::from_utf8(pair).ok()?;
        let (name, token) = pair.split_once(':')?;
        let who = self.bearer(token)?;
        // With an app's token GitHub wants this name; a person's token takes any.
        (matches!(who, Who::User(_)) || name == "x-access-token").then_some(who)
    }

    fn bearer(&self, value: &str) -> Option<Who> {
        let token = self.tokens.iter().find(|token| token.value == value)?;
        let ended = token.ends.is_some_and(|ends| ends <= clock::now());
        (!token.refused && !ended).then(|| token.who.clone())
    }

    /// Checks an app's proof as GitHub does: RS256, its own id, and an end at most ten minutes off.
    fn app_proved(&self, proof: &str) -> Result<Who, &'static str> {
        const UNREADABLE: &str = "A JSON web token could not be decoded";
        let app = self.app.as_ref().ok_or("Integration not found")?;
        let key = DecodingKey::from_rsa_der(&app.public_key);
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_aud = false;
        rules.leeway = 0;
        // Looked at below, for GitHub's own words.
        rules.validate_exp = false;
        // An issuer may be a number here, which the library would not take for one.
        rules.set_required_spec_claims::<&str>(&[]);
        let claims = jsonwebtoken::decode::<Value>(proof, &key, &rules).map_err(|_| UNREADABLE)?.claims;
        let issuer = claims["iss"].as_str().map_or_else(|| claims["iss"].to_string(), str::to_owned);
        if issuer != app.id.to_string() {
            return Err("'Issuer' claim ('iss') must be an Integer");
        }
        let now = clock::now().as_second();
        let number = |name: &str| claims[name].as_i64();
        match (number("iat"), number("exp")) {
            (Some(from), _) if from > now + 60 => {
                Err("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
            }
            (_, Some(end)) if end <= now => Err("'Expiration time' claim ('exp') is too far in the past"),
            (_, Some(end)) if end > now + 660 => Err("'Expiration time' claim ('exp') is too far in the future"),
            (Some(_), Some(_)) => Ok(Who::App),
            _ => Err(UNREADABLE),
        }
    }
}
