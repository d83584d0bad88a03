mod body;
mod escaping;
mod notes;
mod text;
