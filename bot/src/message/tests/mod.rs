mod body;
mod escaping;
mod facts;
mod notes;
mod text;
