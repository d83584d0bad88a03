mod body;
mod escaping;
mod text;
