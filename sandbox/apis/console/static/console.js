// The console without this script is whole: it adds live rows and pausing.
"use strict";

function followRequests(live) {
  const body = document.getElementById("rows");
  const text = document.getElementById("live-text");
  const pause = document.getElementById("pause");
  const empty = document.getElementById("empty");
  const kept = Number(live.dataset.kept);
  const held = [];
  let last = Number(live.dataset.last);
  let paused = false;
  let failures = 0;
  let source = null;

  const address = (base) => {
    const url = new URL(base, location.href);
    new URLSearchParams(location.search).forEach((value, name) => url.searchParams.append(name, value));
    url.searchParams.set("after", last);
    return url;
  };
  let state = "on";
  let words = live.dataset.live;
  const show = () => {
    live.className = `live ${paused ? "paused" : state}`;
    text.textContent = paused ? live.dataset.paused : words;
  };
  const become = (newState, newWords) => {
    [state, words] = [newState, newWords];
    show();
  };
  const insert = (html) => {
    const rows = document.createElement("template");
    rows.innerHTML = html;
    rows.content.querySelectorAll("tr").forEach((row) => row.classList.add("fresh"));
    if (rows.content.querySelector("tr")) empty.hidden = true;
    body.prepend(rows.content);
    while (body.rows.length > kept) body.deleteRow(-1);
  };
  const receive = (html, number) => {
    last = Math.max(last, Number(number) || 0);
    if (!html.trim()) return;
    if (!paused) return insert(html);
    held.push(html);
    if (held.length > kept) held.shift();
  };
  const poll = async () => {
    try {
      const answer = await fetch(address(live.dataset.rows), { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(answer.status);
      receive(await answer.text(), answer.headers.get("X-Journal-Last"));
      become("on", live.dataset.polling);
    } catch {
      become("off", live.dataset.offline);
    }
    setTimeout(poll, 2000);
  };
  const stream = () => {
    source = new EventSource(address(live.dataset.stream));
    source.onopen = () => { failures = 0; become("on", live.dataset.live); };
    source.addEventListener("rows", (event) => receive(event.data, event.lastEventId));
    source.onerror = () => {
      failures += 1;
      become("off", live.dataset.offline);
      if (failures < 3 && source.readyState !== EventSource.CLOSED) return;
      source.close();
      source = null;
      poll();
    };
  };
  // A browser has six connections to a server: a page that nobody looks at does not hold one.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source?.close();
    else if (source) stream();
  });
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) held.splice(0).forEach(insert);
    show();
  });
  if ("EventSource" in window) stream(); else poll();
}

function sliderValues() {
  document.querySelectorAll("input[type=range]").forEach((slider) => {
    const shown = slider.nextElementSibling;
    slider.addEventListener("input", () => { shown.textContent = Number(Number(slider.value).toPrecision(4)); });
  });
}

const live = document.getElementById("live");
if (live) followRequests(live);
sliderValues();
