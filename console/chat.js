// Kefu's customer chat page: one WebSocket, one conversation, no dependencies.
// Read from the top: words, memory, drawing, streaming, sending, drafts, connection, controls.

// ---- words: every string of the page, in both languages ---------------------
const WORDS = {
  en: {
    name: "Kefu", other: "中文", otherLabel: "切换到中文", conversation: "Conversation", you: "You:", assistant: "Assistant:",
    online: "AI assistant", connecting: "Connecting…", reconnecting: "Reconnecting…", offline: "You are offline",
    renew: "New conversation", renewTitle: "Start a new conversation?", renewYes: "Start new", cancel: "Cancel",
    renewText: "This conversation will be removed from this device.", welcomeTitle: "Hello, how can we help?",
    welcomeText: "I am the AI assistant. I answer from our help articles and show you where each answer comes from.",
    suggested: ["How do I get a refund?", "How do I track my order?", "How long does delivery take?", "How do I cancel my order?"],
    suggestions: "Suggested questions", fresh: "Your earlier conversation is no longer available. This is a new one.",
    placeholder: "Ask a question…", send: "Send", jump: "Go to the latest message", hint: "AI answers can be wrong. Check the sources.",
    sources: "Sources:", open: "Open this entry", talk: "Talk to a person", passed: "Passed on to our team",
    settled: "Closed", confirm: "Please confirm", edit: "Edit and resend",
    typing: "The assistant is typing", slow: "Still working on it…", waiting: "Waiting for the connection…",
    busy: "We are busy right now. Trying again…", failed: "This message could not be answered.",
  },
  zh: {
    name: "Kefu 客服", other: "English", otherLabel: "Switch to English", conversation: "对话", you: "您：", assistant: "客服助手：",
    online: "AI 客服助手", connecting: "正在连接…", reconnecting: "正在重新连接…", offline: "网络已断开",
    renew: "新对话", renewTitle: "开始新的对话？", renewYes: "开始新对话", cancel: "取消",
    renewText: "当前对话将从此设备上移除。", welcomeTitle: "您好，请问有什么可以帮您？",
    welcomeText: "我是 AI 客服助手，根据帮助文档回答您的问题，并注明每个答案的出处。",
    suggested: ["怎么退款?", "怎么查物流？", "一般几天能到？", "怎么取消订单？"],
    suggestions: "常见问题", fresh: "之前的对话已不可用，这是一个新的对话。",
    placeholder: "请输入您的问题…", send: "发送", jump: "查看最新消息", hint: "AI 回答可能有误，请核对来源。",
    sources: "来源：", open: "打开这一条目", talk: "转人工", passed: "已转交人工客服",
    settled: "已办结", confirm: "请确认", edit: "修改后重发",
    typing: "客服助手正在输入", slow: "仍在处理，请稍候…", waiting: "等待网络连接…",
    busy: "当前咨询较多，正在重试…", failed: "这条消息未能得到答复。",
  },
};
const LIMIT = 4000;

// ---- memory: localStorage may be forbidden; the page then works until closed ----
const attempt = (action) => { try { return action(); } catch { return null; } };
const recall = (name) => attempt(() => localStorage.getItem(`kefu.${name}`));
const keep = (name, value) => attempt(() => (value ? localStorage.setItem(`kefu.${name}`, value) : localStorage.removeItem(`kefu.${name}`)));

let language = Object.hasOwn(WORDS, recall("language")) ? recall("language") : /^zh/i.test(navigator.language) ? "zh" : "en";
let session = recall("session"); // null until the server names one
let seen = 0;                        // last stream position drawn; 0 on load rebuilds everything
let queue = [];                      // messages without an answer, oldest first: {key, text, at}
const turns = new Map();             // message key -> {node, text, replied, stream}
const saveQueue = () => keep("outbox", queue.length ? JSON.stringify({ session, queue }) : null);
const sawPosition = (seq) => { if (seq > seen) keep("seq", seen = seq); };

// ---- drawing: text goes in by textContent only, replies may be hostile -----------
const $ = (id) => document.getElementById(id);
const log = $("log"), scroller = $("scroller"), input = $("input");

function el(tag, className = "", ...children) {
  const node = Object.assign(document.createElement(tag), { className });
  node.append(...children); // strings become text nodes
  return node;
}

// An element whose words follow the page's language, also after a switch.
function worded(tag, className, word) {
  const node = el(tag, className, WORDS[language][word]);
  node.dataset.t = word;
  return node;
}

function icon(name, className = "") {
  const [svg, use] = ["svg", "use"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// A suggestion, an option or the offer of a person: pressing it sends its words.
function choice(text, className = "", before = "", after = "") {
  const node = el("button", className, before, text, after);
  node.onclick = () => {
    if (!queue.some((entry) => entry.text === text)) ask(text); // a double press is one question
    if (matchMedia("(hover: hover)").matches) input.focus();    // on a phone this would open the keyboard
  };
  return node;
}

function setTime(node) {
  const at = new Date(node.dateTime);
  const day = at.toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
  const locale = navigator.language.startsWith(language) ? navigator.language : language;
  node.textContent = at.toLocaleString(locale, { ...day, hour: "numeric", minute: "2-digit" });
}

function message(side, speaker, text, at, lang = "") {
  const body = el("p", "text", String(text ?? "")), time = el("time");
  Object.assign(body, { dir: "auto", lang });
  time.dateTime = (Date.parse(at) ? new Date(at) : new Date()).toISOString();
  setTime(time);
  return el("div", `message ${side}`, worded("span", "sr", speaker), body, time);
}

// A turn is a question with its answer, so late answers land in the right place and
// nothing doubles however often an event, a reply or a resend names the same key.
function turn(key, fromServer) {
  if (!turns.has(key)) {
    const it = { node: el("div", "turn") };
    turns.set(key, it);
    // History belongs above what this page has not got through to the server yet.
    log.insertBefore(it.node, fromServer ? log.querySelector(".pending") : null);
    showWelcome();
  }
  return turns.get(key);
}

const drawQuestion = (it, text, at) => it.text ?? it.node.prepend(message("mine", "you", it.text = text, at));

function drawPending({ key, text, at }) {
  const it = turn(key);
  drawQuestion(it, text, at);
  it.node.classList.add("pending");
  it.node.append(worded("p", "note waiting", "waiting"), el("div", "typing", icon("logo", "logo"),
    el("span", "dots", el("i"), el("i"), el("i")), worded("span", "sr", "typing")));
}

function clearPending(it) {
  dropStream(it);
  it.node.classList.remove("pending");
  it.node.querySelectorAll(".typing, .note").forEach((mark) => mark.remove());
}

// ---- a reply that is being written: shown as it comes, then replaced by the reply itself ----
function drawMore(it, text) {
  if (typeof text !== "string" || !it?.node.classList.contains("pending")) return; // late: the reply is there
  if (!it.stream) {
    const box = message("theirs", "assistant", "");
    box.lastChild.remove(); // the time: it is not written yet
    box.prepend(icon("logo", "logo"));
    it.stream = { box, body: box.lastChild, pieces: [] };
    it.node.append(box);
    it.node.classList.add("streaming");
    log.ariaBusy = "true"; // read out once, when it is whole
  }
  const { body, pieces } = it.stream;
  // Once a frame, however many pieces came, and as a text node of its own: what is there already is not copied.
  if (pieces.push(text) === 1) requestAnimationFrame(() => body.append(pieces.splice(0).join("")));
}

// The connection broke, or the message is sent again: what was written comes anew, or as the whole reply.
function dropStream(it) {
  if (!it?.stream) return;
  it.stream.box.remove();
  it.stream = null;
  it.node.classList.remove("streaming");
  log.ariaBusy = "false";
}

// What an answer rests on, and the way to the very words it rested on, whatever became of them since.
function source({ id, revision, title, quote }) {
  const link = worded("a", "", "open");
  const href = `/v1/knowledge/entries/${encodeURIComponent(id)}?revision=${Number(revision)}`;
  Object.assign(link, { href, target: "_blank", rel: "noopener" });
  return el("details", "", el("summary", "", icon("icon-page"), String(title)), el("blockquote", "", String(quote)), link);
}

function drawReply(it, reply, at) {
  if (it.replied) return;
  it.replied = true;
  clearPending(it);
  const theirs = Object.hasOwn(WORDS, reply.language) ? reply.language : language; // buttons speak the reply's language
  const box = message("theirs", "assistant", reply.text, at, theirs);
  const sources = el("div", "sources", worded("span", "sr", "sources"), ...(reply.citations ?? []).map(source));
  const confirm = reply.kind === "confirm"; // the first option is the yes
  const choices = el("div", confirm ? "choices confirm" : "choices",
    ...(reply.options ?? []).map(({ title }, at) => choice(String(title), confirm ? at ? "plain" : "strong" : "")));
  if (reply.offer_person) choices.append(choice(WORDS[theirs].talk, "person", icon("icon-person")));
  sources.lang = choices.lang = theirs;
  const time = box.lastChild;
  box.prepend(icon("logo", "logo"));
  if (reply.kind === "escalated") time.before(el("p", "badge", icon("icon-person"), worded("span", "", "passed")));
  if (reply.kind === "closed") time.before(el("p", "badge", icon("icon-done"), worded("span", "", "settled")));
  if (confirm) {
    choices.setAttribute("role", "group");
    choices.dataset.label = "confirm";
    choices.ariaLabel = WORDS[language].confirm;
  }
  if (sources.children.length > 1) time.before(sources);
  if (choices.children.length) time.before(choices);
  it.node.append(box);
}

function drawFailure(it, { detail, title }) {
  clearPending(it);
  const edit = worded("button", "", "edit"), reason = detail || title;
  edit.onclick = () => write([input.value, it.text].filter(Boolean).join("\n"));
  it.node.append(el("p", "note failed", reason ? el("span", "", reason) : worded("span", "", "failed"), " ", edit));
}

// An empty page while a stored conversation is being fetched, not a flash of welcome.
const showWelcome = () => { $("welcome").hidden = turns.size > 0 || Boolean(session) && !ready; };

function speak(chosen) {
  const words = WORDS[language = chosen];
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  document.title = words.name;
  document.querySelectorAll("[data-t]").forEach((node) => { node.textContent = words[node.dataset.t]; });
  document.querySelectorAll("[data-label]").forEach((node) => { node.ariaLabel = words[node.dataset.label]; });
  document.querySelectorAll("time").forEach(setTime);
  input.placeholder = words.placeholder;
  Object.assign($("language"), { textContent: words.other, ariaLabel: words.otherLabel, lang: language === "zh" ? "en" : "zh-Hans" });
  $("suggestions").replaceChildren(...words.suggested.map((text) => choice(text, "", "", icon("icon-go"))));
  composed();
}

// The scroller runs bottom-up (column-reverse), so it stays at the newest message by itself; 0 is the bottom.
const toLatest = () => { scroller.scrollTop = 0; };
scroller.onscroll = () => { $("jump").hidden = scroller.scrollTop > -80; };
$("jump").onclick = toLatest;

// ---- sending: only the oldest unanswered message is on its way, so order holds ----
function newKey() { // a version 4 UUID; crypto.randomUUID is missing on plain http
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})/, "$1-$2-4$3-a$4-");
}

function ask(text) {
  queue.push({ key: newKey(), text, at: new Date().toISOString() });
  saveQueue();
  drawPending(queue.at(-1));
  toLatest();
  if (queue.length === 1) pump();
}

function pump() {
  clearTimeout(resend);
  if (!ready || !queue.length) return;
  dropStream(turns.get(queue[0].key));
  transmit({ type: "message", key: queue[0].key, text: queue[0].text });
  resend = setTimeout(pump, 60_000); // a lost turn must not block the rest; the same key makes this safe
}

function settled(key) {
  const [head] = queue;
  queue = queue.filter((entry) => entry.key !== key);
  saveQueue();
  if (queue[0] !== head) pump();
  drafting();
}

// ---- drafts: the server may look for the answer while the customer is still writing ----
let draft = "", pause; // what was sent last, and the timer

function drafting() { // after every change of the text, and when a reply is there
  clearTimeout(pause);
  pause = setTimeout(() => {
    const text = input.value.trim(), length = [...text].length;
    const enough = length >= 4 || (text.match(/\p{Script=Han}/gu) ?? []).length >= 2;
    if (!ready || queue.length || !enough || length > LIMIT || text === draft) return;
    transmit({ type: "typing", text: draft = text });
  }, 250);
}

// ---- connection --------------------------------------------------------------------
let socket = null, ready = false, failures = 0, watchdog, redial, resend;

const transmit = (frame) => { if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame)); };
function showLink(state) {
  document.body.dataset.link = $("status").dataset.t = state;
  $("status").textContent = WORDS[language][state];
}

function hangUp() {
  ready = false;
  [watchdog, redial, resend] = [watchdog, redial, resend].map((timer) => clearTimeout(timer)); // all undefined now
  if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
  socket?.close();
  socket = null;
  draft = "";
  turns.forEach(dropStream);
}

function connect() {
  hangUp();
  showLink(failures ? "reconnecting" : "connecting");
  socket = new WebSocket(new URL("/v1/chat/ws", location.href.replace(/^http/, "ws")));
  socket.onopen = () => transmit({ type: "hello", session_id: session, after: seen });
  socket.onclose = () => lost();
  socket.onmessage = ({ data }) => { watchdog = clearTimeout(watchdog); receive(JSON.parse(data)); };
  watchdog = setTimeout(lost, 10_000);
}

function lost(delay) {
  hangUp();
  const ceiling = Math.min(10_000, 600 * 2 ** failures++);
  showLink(navigator.onLine ? "reconnecting" : "offline");
  redial = setTimeout(connect, delay ?? 300 + Math.random() * (ceiling - 300)); // jitter: not all customers at once
}

function ping() {
  if (!ready) return;
  watchdog ??= setTimeout(lost, 10_000); // no frame at all by then: the line is dead
  transmit({ type: "ping" });
}

// A phone that slept or changed networks may hold a dead socket.
const wake = () => document.hidden || (socket ? ping() : connect());

function receive(frame) {
  const { type, event, data, recorded_at: at } = frame;
  const key = frame.key ?? data?.key ?? `seq-${frame.seq}`;
  if (type === "ready") greeted(frame.session_id);
  if (type === "typing") turns.get(key)?.node.querySelector(".typing .sr")?.replaceWith(worded("span", "", "slow"));
  if (type === "delta") drawMore(turns.get(key), frame.text);
  if (type === "reply") answered(key, frame.reply, new Date());
  if (type === "error") refused(key, frame.problem ?? {});
  if (event === "UserMessageReceived") drawQuestion(turn(key, true), data.text, at);
  if (event === "BotReplied") answered(key, data.reply, at);
  sawPosition(frame.seq ?? frame.reply?.seq);
}

function greeted(id) {
  keep("session", session = id);
  saveQueue();
  ready = true;
  failures = 0;
  log.ariaBusy = "false";
  showLink("online");
  showWelcome();
  pump();
}

const answered = (key, reply, at) => { drawReply(turn(key, true), reply, at); settled(key); };

function refused(key, problem) {
  const it = turns.get(key);
  const again = problem.status === 503 || problem.status === 429 && problem.retry_after;
  const wait = (problem.retry_after ?? 2) * (1000 + Math.random() * 250); // spread the retries a little
  if (problem.code === "unknown_session" && session) {
    $("fresh").hidden = false;
    begin(null, queue); // what was not answered yet is asked again in the new conversation
  } else if (!it) {
    if (!ready) lost(again ? wait : undefined); // the hello itself was refused
  } else if (again) {
    dropStream(it);
    it.node.querySelector(".busy")?.remove();
    it.node.querySelector(".typing")?.before(worded("p", "note busy", "busy"));
    clearTimeout(resend);
    resend = setTimeout(pump, wait);
  } else {
    drawFailure(it, problem);
    settled(key);
  }
}

function begin(stored, unanswered) { // a stored conversation, or a new one (null)
  keep("session", session = stored);
  keep("seq", seen = 0);
  turns.clear();
  log.replaceChildren();
  queue = unanswered;
  saveQueue();
  queue.forEach(drawPending);
  showWelcome();
  connect();
}

// ---- controls ----------------------------------------------------------------------
function composed() { // after every change of the text
  const length = [...input.value].length; // code points, as the server counts
  $("send").disabled = !input.value.trim() || length > LIMIT;
  $("counter").textContent = length < LIMIT * 0.9 ? "" : `${length} / ${LIMIT}`;
  $("counter").classList.toggle("over", length > LIMIT);
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}
const write = (text) => { input.value = text; composed(); input.focus(); };
input.oninput = ({ isComposing }) => { // half a word in an input method is no draft
  composed();
  if (!isComposing) drafting();
};
input.addEventListener("compositionend", drafting);
input.onkeydown = (event) => {
  // While an input method is composing, Enter picks a word (229: Safari ends composition first).
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  $("composer").requestSubmit();
};
$("composer").onsubmit = (event) => {
  event.preventDefault();
  if ($("send").disabled) return;
  ask(input.value.trim());
  draft = "";
  write("");
};
$("language").onclick = () => { speak(language === "zh" ? "en" : "zh"); keep("language", language); };

// "New conversation" is a <details>, which opens and is announced without help; closing needs some.
const closeRenew = () => { $("renew").open = false; };
$("renew-no").onclick = closeRenew;
$("renew-yes").onclick = () => {
  closeRenew();
  $("fresh").hidden = true;
  begin(null, []);
  input.focus();
};
addEventListener("keydown", ({ key }) => { if (key === "Escape") closeRenew(); });
addEventListener("pointerdown", ({ target }) => { if (!$("renew").contains(target)) closeRenew(); });
// iOS lays its keyboard over the page instead of shrinking it: follow the visible part (scale: not a pinch zoom).
window.visualViewport?.addEventListener("resize", () => {
  if (visualViewport.scale === 1) document.body.style.height = `${visualViewport.height}px`;
});

speak(language);
const outbox = attempt(() => JSON.parse(recall("outbox")));
begin(session, outbox?.session === session ? outbox.queue : []);
setInterval(ping, 25_000);
["online", "offline", "pageshow"].forEach((name) => addEventListener(name, wake));
document.addEventListener("visibilitychange", wake);
