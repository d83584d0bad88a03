//! Text as it may come from an upstream that means harm. Where one of these is not escaped, `window.owned` is set, an alert is
//! open, or the browser's console has a violation of the content security policy.

/// What a script that ran would have left: true in a browser where one did.
pub const SENTINEL: &str = "return window.owned !== undefined";

/// For one line: versions, licences, titles, reasons.
pub const LINE: &str = "1.0.0\"><script>window.owned=1</script><img src=x onerror=window.owned=1>'><svg/onload=window.owned=1>\u{202e}{{7*7}}";

/// For addresses.
pub const ADDRESS: &str = "javascript:window.owned=1//https://forge.example/";

/// For texts of several lines.
pub const TEXT: &str = "</pre></textarea></title></style><script>window.owned=1</script>\n<iframe srcdoc=\"<script>parent.owned=1</script>\"></iframe>\n[a](javascript:window.owned=1)\n<!--\n";

/// For logs: colours, a title, a link, an unfinished sequence, control characters, and markup.
pub const LOG: &str = "\u{1b}[31mred\u{1b}[0m \u{1b}[1;38;5;208mbold orange\u{1b}[m\r\n\u{1b}]0;title\u{7}\u{1b}]8;;javascript:window.owned=1\u{1b}\\link\u{1b}]8;;\u{1b}\\\n</pre><script>window.owned=1</script>\u{1b}[31<img src=x onerror=window.owned=1>\n\u{0}\u{8}\u{9b}31m\u{85}\u{2028}event: x\ndata: <script>window.owned=1</script>\n\u{1b}[";
