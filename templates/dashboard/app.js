// What pages can do without: times that stay right, news without a reload, a log that grows, a picture that can be moved.
"use strict";

const seconds = (time) => (Date.now() - Date.parse(time.dateTime)) / 1000;

function said(time) {
  const ago = seconds(time), size = Math.abs(ago);
  if (size < 10) return "now";
  if (size >= 2592000) return time.dateTime.slice(0, 10);
  const [amount, unit] = size < 100 ? [size, "s"] : size < 5400 ? [size / 60, "min"] : size < 129600 ? [size / 3600, "h"] : [size / 86400, "days"];
  return ago > 0 ? `${Math.round(amount)} ${unit} ago` : `in ${Math.round(amount)} ${unit}`;
}

function tellTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const text = said(time);
    if (time.textContent !== text) time.textContent = text;
  }
}

// The page again, as the server has it now. What a person is doing stays: fields that are being filled in, what is open, the log.
let asked = 0, shown = 0;

async function refresh() {
  const main = document.getElementById("main");
  if (main.querySelector("input:focus, select:focus, textarea:focus")) return;
  const own = ++asked;
  const answer = await fetch(location.href, { cache: "no-cache", headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // Of two answers the one that was asked for later is the newer, whichever comes first.
  if (own < shown) return;
  shown = own;
  const fresh = page.getElementById("main");
  if (!fresh) return;
  const open = [...main.querySelectorAll("details")].map((details) => details.open);
  const before = main.querySelectorAll("details").length;
  const log = main.querySelector("#live-log");
  const place = log && fresh.querySelector("#live-log");
  if (place) place.replaceWith(log);
  const canvas = main.querySelector("#graph"), newer = fresh.querySelector("#graph");
  if (canvas && newer) newer.replaceWith(canvas);
  main.replaceChildren(...fresh.childNodes);
  const details = main.querySelectorAll("details");
  if (details.length === before) details.forEach((element, index) => { element.open = open[index]; });
  const alarm = document.querySelector(".alarm"), alarmNow = page.querySelector(".alarm");
  if (alarm && !alarmNow) alarm.remove();
  if (alarmNow && !alarm) main.before(alarmNow);
  document.title = page.title;
  prepare();
}

// A stream of the server that is open while somebody looks: browsers have only a few connections to a host, and a page that nobody
// looks at takes none. `address` says where to go on from.
function listen(address, events) {
  let source = null;
  const follow = () => {
    const looksOn = document.visibilityState === "visible";
    if (looksOn && source === null) {
      source = new EventSource(address());
      for (const [name, handle] of Object.entries(events)) source.addEventListener(name, handle);
    } else if (!looksOn && source !== null) {
      source.close();
      source = null;
    }
  };
  const stop = () => {
    document.removeEventListener("visibilitychange", follow);
    if (source !== null) source.close();
    source = null;
  };
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  follow();
  return stop;
}

function followChanges() {
  const address = document.body.dataset.live;
  if (!address) return;
  let known = null, timer = null;
  listen(() => address, {
    change: (event) => {
      if (known !== null && known !== event.data && timer === null) {
        timer = setTimeout(() => { timer = null; refresh().catch(() => {}); }, 300);
      }
      known = event.data;
    },
  });
}

function followLog() {
  const log = document.getElementById("live-log");
  if (!log || !log.dataset.events || log.dataset.followed) return;
  log.dataset.followed = "yes";
  log.scrollTop = log.scrollHeight;
  let address = log.dataset.events;
  const stop = listen(() => address, {
    log: (event) => {
      address = address.replace(/after=\d+/, `after=${event.lastEventId}`);
      const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
      for (const line of JSON.parse(event.data).lines) {
        for (const [style, text] of line) {
          const piece = document.createElement("span");
          piece.className = style;
          piece.textContent = text;
          log.append(piece);
        }
        log.append("\n");
      }
      if (atEnd) log.scrollTop = log.scrollHeight;
    },
    end: () => { stop(); log.removeAttribute("id"); refresh().catch(() => {}); },
  });
}

function moveGraph() {
  const canvas = document.getElementById("graph");
  const svg = canvas && canvas.querySelector("svg.graph");
  if (!svg || canvas.dataset.moves) return;
  canvas.dataset.moves = "yes";
  const width = svg.viewBox.baseVal.width, height = svg.viewBox.baseVal.height;
  let zoom = 1, grip = null;
  const show = (value) => {
    zoom = Math.min(3, Math.max(0.2, value));
    svg.setAttribute("width", width * zoom);
    svg.setAttribute("height", height * zoom);
  };
  const tools = document.createElement("p");
  tools.className = "tools";
  for (const [label, name, change] of [["+", "Larger", () => show(zoom * 1.25)], ["−", "Smaller", () => show(zoom / 1.25)], ["Fit", "Fit the width", () => show(canvas.clientWidth / width)]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", change);
    tools.append(button);
  }
  canvas.before(tools);
  canvas.addEventListener("pointerdown", (event) => { grip = [event.clientX + canvas.scrollLeft, event.clientY + canvas.scrollTop]; });
  addEventListener("pointermove", (event) => {
    if (!grip || !event.buttons) { grip = null; return; }
    canvas.scrollTo(grip[0] - event.clientX, grip[1] - event.clientY);
  });
  const light = (event) => {
    const node = event.target.closest(".node");
    const id = node && node.dataset.node;
    for (const edge of svg.querySelectorAll(".edge")) {
      edge.classList.toggle("lit", Boolean(id) && (edge.dataset.from === id || edge.dataset.to === id));
    }
  };
  svg.addEventListener("pointerover", light);
  svg.addEventListener("focusin", light);
}

function offerCopies() {
  if (!navigator.clipboard) return;
  for (const text of document.querySelectorAll("pre.copy:not([data-copies])")) {
    text.dataset.copies = "yes";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain copying";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    text.after(button);
  }
}

function prepare() {
  tellTimes();
  followLog();
  moveGraph();
  offerCopies();
}

prepare();
followChanges();
setInterval(tellTimes, 15000);
