//! Debian's headless Chromium, driven through WebDriver.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::{By, ChromiumLikeCapabilities as _, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver};

use super::hostile;
use crate::process::{command, write_file};

/// How long a page may take to become right by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one window. It is closed when it is dropped.
pub struct Browser {
    driver: Option<WebDriver>,
    process: Child,
}

impl Browser {
    /// Starts a driver, and a browser with it.
    pub async fn start() -> Self {
        // An error says that there already is a provider, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut program = command("chromedriver");
        program.args(["--port=0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = program.spawn().expect("chromedriver is there: run `make deps`");
        let mut lines = BufReader::new(process.stdout.take().expect("its standard output")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // A driver whose output nobody reads would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let address = format!("http://127.0.0.1:{}", port.expect("the driver says where it listens"));
        let driver = WebDriver::new(address, capabilities()).await.expect("a browser");
        Self { driver: Some(driver), process }
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("a browser that is not closed")
    }

    /// Goes to an address and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        self.driver().goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// What a script in the page returns.
    pub async fn run(&self, script: &str) -> Value {
        let result = self.driver().execute(script, Vec::new()).await;
        result.unwrap_or_else(|error| panic!("{script:.80}: {error}")).json().clone()
    }

    /// What a script calls back with.
    pub async fn run_later(&self, script: &str) -> Value {
        let result = self.driver().execute_async(script, Vec::new()).await;
        result.unwrap_or_else(|error| panic!("{script:.80}: {error}")).json().clone()
    }

    /// The visible text of the first element that a selector finds.
    pub async fn text(&self, selector: &str) -> String {
        // An open page replaces its elements when it hears of something new: asked for again then.
        for _ in 0..20 {
            let element = self.driver().find(By::Css(selector)).await;
            let text = element.unwrap_or_else(|error| panic!("{selector}: {error}")).text().await;
            match text {
                Err(error) if matches!(error.as_inner(), WebDriverErrorInner::StaleElementReference(_)) => {}
                text => return text.unwrap_or_else(|error| panic!("{selector}: {error}")),
            }
        }
        panic!("{selector}: it is replaced again and again")
    }

    /// The whole page's visible text.
    pub async fn page_text(&self) -> String {
        self.text("body").await
    }

    /// Clicks on what a selector finds first, as a person would: it has to be visible.
    pub async fn click(&self, selector: &str) {
        let element = self.driver().find(By::Css(selector)).await;
        let clicked = element.unwrap_or_else(|error| panic!("{selector}: {error}")).click().await;
        clicked.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Clicks on what leads to another page, and waits until that one is there.
    pub async fn send(&self, selector: &str) {
        self.run("window.isLeft = true").await;
        self.click(selector).await;
        self.arrive(selector).await;
    }

    /// Follows the first link with this text to another page.
    pub async fn follow(&self, text: &str) {
        self.run("window.isLeft = true").await;
        let link = self.driver().find(By::PartialLinkText(text)).await;
        let clicked = link.unwrap_or_else(|error| panic!("link {text:?}: {error}")).click().await;
        clicked.unwrap_or_else(|error| panic!("link {text:?}: {error}"));
        self.arrive(text).await;
    }

    async fn arrive(&self, from: &str) {
        let is_there = "return window.isLeft === undefined && document.readyState === 'complete'";
        self.wait_until(&format!("{from} has led to another page"), is_there).await;
    }

    /// Types into the field that a selector finds.
    pub async fn write(&self, selector: &str, text: &str) {
        let element = self.driver().find(By::Css(selector)).await;
        let written = element.unwrap_or_else(|error| panic!("{selector}: {error}")).send_keys(text).await;
        written.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// How many elements a selector finds.
    pub async fn count(&self, selector: &str) -> usize {
        let found = self.driver().find_all(By::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}")).len()
    }

    /// Takes what a selector finds in its middle and moves it so many pixels.
    pub async fn drag(&self, selector: &str, x: i64, y: i64) {
        let element = self.driver().find(By::Css(selector)).await;
        let element = element.unwrap_or_else(|error| panic!("{selector}: {error}"));
        let chain = self.driver().action_chain();
        let moved = chain.move_to_element_center(&element).click_and_hold().move_by_offset(x, y).release();
        moved.perform().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Sends an empty form from the page that is open, and says what status comes back.
    pub async fn post(&self, url: &str) -> u64 {
        let script = format!(
            "const done = arguments[arguments.length - 1]; \
             fetch({url:?}, {{ method: 'POST', body: new URLSearchParams() }}).then(answer => done(answer.status), done)"
        );
        self.run_later(&script).await.as_u64().expect("a status")
    }

    /// Lets pages read and write what was copied, as a person would when asked.
    pub async fn allow_clipboard(&self) {
        let permissions = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.devtools("Browser.grantPermissions", permissions).await;
    }

    /// Where the window is.
    pub async fn address(&self) -> String {
        self.driver().current_url().await.expect("an address").to_string()
    }

    /// Waits until a script returns true.
    pub async fn wait_until(&self, what: &str, script: &str) {
        let begin = Instant::now();
        while self.run(script).await != Value::Bool(true) {
            assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}: {}", self.page_text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every link of the page, whole, without what comes after `#`.
    pub async fn links(&self) -> Vec<String> {
        let links = self.run("return Array.from(document.links, link => link.href.split('#')[0])").await;
        serde_json::from_value(links).expect("a list of addresses")
    }

    /// What the page did that it should not have: errors on the console since the last time, and scripts that ran.
    pub async fn complaints(&self) -> Vec<String> {
        let log = match self.driver().browser_log().await {
            Ok(log) => log,
            // An alert that a script has opened, for one.
            Err(error) => return vec![error.to_string()],
        };
        let mut complaints: Vec<String> = log
            .into_iter()
            .filter(|entry| entry.level == "SEVERE" || entry.level == "WARNING")
            .map(|entry| entry.message)
            .collect();
        if self.run(hostile::SENTINEL).await == Value::Bool(true) {
            complaints.push("a script of an upstream ran".to_owned());
        }
        complaints
    }

    /// Sets the width of the window, in CSS pixels, and whether it is dark.
    pub async fn look(&self, width: u32, is_dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if is_dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Switches the scripts of pages off or on, from the next page on.
    pub async fn allow_scripts(&self, allowed: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed })).await;
    }

    /// The whole page as a picture.
    pub async fn picture(&self, file: &Path) {
        self.capture(file, true).await;
    }

    /// What the window shows as a picture.
    pub async fn window(&self, file: &Path) {
        self.capture(file, false).await;
    }

    async fn capture(&self, file: &Path, is_whole: bool) {
        let wanted = json!({ "captureBeyondViewport": is_whole, "format": "png" });
        let picture = self.devtools("Page.captureScreenshot", wanted).await;
        let text = picture["data"].as_str().expect("a picture");
        write_file(file, data_encoding::BASE64.decode(text.as_bytes()).expect("base64"));
    }

    async fn devtools(&self, method: &str, parameters: Value) -> Value {
        let answer = self.driver().cdp().send_raw(method, parameters).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser outlives a driver that is killed.
        if let Some(driver) = self.driver.take() {
            let quit = tokio::time::timeout(Duration::from_secs(10), driver.quit());
            let _ = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(quit));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn capabilities() -> thirtyfour::ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    let mut arguments = vec![
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--window-size=1280,900",
        // Nothing leaves this machine, whatever a page asks for.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ];
    // SAFETY of what it shows is not the question here: the pages are ours, and root has no user namespace to hide in.
    if is_root() {
        arguments.push("--no-sandbox");
    }
    for argument in arguments {
        wanted.add_arg(argument).expect("an argument");
    }
    wanted.set_browser_log_level(LoggingPrefsLogLevel::All).expect("a level");
    wanted
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}
