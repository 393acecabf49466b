// Is run in a page of the report that is so many pixels wide, and returns what is wrong with it, a line each. It
// is an expression.
(async function (width) {
  "use strict";
  var wrong = [], data = JSON.parse(document.getElementById("data").textContent);
  function check(what, ok) { if (!ok) { wrong.push(what); } }
  function all(selector, root) { return Array.from((root || document).querySelectorAll(selector)); }
  function one(selector, root) { return all(selector, root)[0]; }
  function settled() { return new Promise(function (done) { setTimeout(done, 50); }); }
  function visible(e) { return e.checkVisibility(); }
  function fits(when) {
    var root = document.documentElement;
    check(when + ": the page is " + root.scrollWidth + " wide in a window of " + innerWidth, root.scrollWidth <= innerWidth);
    all("section, table, figure, dl").filter(visible).filter(function (e) { return !e.closest(".scroll"); }).forEach(function (e) {
      check(when + ": " + (e.id || e.tagName + " " + e.className) + " is cut: " + e.scrollWidth + " in " + e.clientWidth, e.scrollWidth <= e.clientWidth + 1 && e.getBoundingClientRect().right <= innerWidth + 1);
    });
  }
  async function accessible(when) {
    if (typeof axe === "undefined") { return; }
    var found = await axe.run(document, { resultTypes: ["violations"] });
    found.violations.forEach(function (v) { check(when + ": axe: " + v.id + ": " + v.nodes[0].html, false); });
  }

  // Time axes: no two ticks say the same, and what is drawn has its unit.
  function chartsRead(when) {
    all("figure svg").forEach(function (image) {
      var texts = all("text", image), labels = {};
      check(when + ": a chart has no unit", texts[0].textContent === "TAO");
      texts.filter(function (t) { return t.getAttribute("text-anchor") === "middle" && !t.classList.contains("unit"); }).forEach(function (t) {
        check(when + ": two ticks say " + t.textContent, !labels[t.textContent] || /:|^[A-Z][a-z]+$/.test(t.textContent));
        labels[t.textContent] = true;
      });
      check(when + ": " + Object.keys(labels).length + " ticks of time", Object.keys(labels).length >= 2);
      check(when + ": a chart without a summary", image.getAttribute("role") === "img" && /between .* and .*/.test(image.getAttribute("aria-label")));
    });
  }

  async function charts() {
    var figure = one("#best"), lines = all("path.line", figure).length, button = one(".legend button", figure);
    check("the chart has " + lines + " lines", lines > 0 && lines === data.lines[0].length);
    if (lines > 1) {
      button.focus();
      check("the legend cannot be focused", document.activeElement === button);
      button.click();
      check("the legend does not hide a line", all("path.line", figure).length === lines - 1 && button.getAttribute("aria-pressed") === "false");
      button.click();
      check("the legend does not show the line again", all("path.line", figure).length === lines);
    }
    var image = one("svg", figure), box = image.getBoundingClientRect(), tip = one(".tip", figure), x = box.left + box.width / 2, y = box.top + box.height / 2;
    image.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y }));
    var at = tip.getBoundingClientRect();
    var apart = Math.max(at.left - x, x - at.right, at.top - y, y - at.bottom);
    check("the tooltip is " + apart + " from the pointer", visible(tip) && apart > 0 && apart < 30);
    check("the tooltip does not name every line", all("div", tip).length === lines);
    one("summary", figure).click();
    await settled();
    check("the chart has no numbers as a table", all("tbody tr", one("table", figure)).length > 5);
    fits("with the numbers of a chart");
    await accessible("with the numbers of a chart");
    one("summary", figure).click();
  }

  async function leaderboard() {
    var table = one("#miners"), rows = all("tbody tr", table), nav = all("#miners ~ p button");
    check(rows.length + " miners are not folded", rows.filter(visible).length === (rows.length > 50 ? 25 : rows.length));
    document.body.style.paddingBottom = "100vh"; // so that a short table can be scrolled to the top
    table.rows[Math.min(10, rows.length - 1)].scrollIntoView({ block: "start" });
    await settled();
    check("the header row does not stay", Math.abs(table.tHead.rows[0].cells[0].getBoundingClientRect().top) < 1);
    if (rows.length > 50) {
      nav[1].click();
      check("no next part", all("tbody tr", table).filter(visible)[0].cells[0].textContent === "26");
      nav[0].click();
    }
    var find = one("#find"), name = rows[30 % rows.length].cells[1].firstChild.title;
    find.value = name;
    find.dispatchEvent(new Event("input"));
    check("a sought miner is not found alone", all("tbody tr", table).filter(visible).length === 1);
    find.value = "";
    find.dispatchEvent(new Event("input"));
    all("button", table)[1].click();
    var names = all("tbody tr", table).filter(visible).map(function (r) { return r.cells[1].firstChild.title; });
    check("miners are not sorted by address", names.join() === names.slice().sort().join());
    all("button", table)[2].click();
    check("the highest gain is not first", all("tbody tr", table)[0].cells[0].textContent === "1" && table.tHead.rows[0].cells[2].getAttribute("aria-sort") === "descending");
  }

  function saved(button) {
    var blob = null, make = URL.createObjectURL, click = HTMLAnchorElement.prototype.click;
    URL.createObjectURL = function (b) { blob = b; return "blob:none"; };
    HTMLAnchorElement.prototype.click = function () {};
    button.click();
    URL.createObjectURL = make;
    HTMLAnchorElement.prototype.click = click;
    return blob.text();
  }

  async function csv() {
    check("a table without CSV", all("table").every(function (t) { return t.closest("details:not([open])") || one("button.csv", t.parentNode); }));
    var first = one("#winners table").hidden ? "#losers" : "#winners", few = await saved(one(first + " button.csv"));
    check("the CSV of " + first + " is " + few, few.indexOf("Miner,Gain TAO,Win %\r\n5") === 0);
    var text = await saved(one("#miners ~ button.csv")), lines = text.trim().split("\r\n");
    check("the CSV has " + lines.length + " lines", lines.length === 1 + data.miners.length);
    check("the CSV begins with " + lines[0], lines[0].indexOf("#,Miner,Gain TAO,Win %,Closes,") === 0);
    check("a line of CSV is " + lines[1], /^1,5[1-9A-HJ-NP-Za-km-z]{47},-?\d+\.\d+,/.test(lines[1]));
  }

  async function period() {
    var select = one("#period");
    check("periods cannot be chosen", visible(select) === data.periods.length > 1);
    if (data.periods.length < 2) { return; }
    select.value = "1";
    select.dispatchEvent(new Event("change"));
    await settled();
    var sum = 0;
    all("#miners tbody tr").forEach(function (r) { sum += parseFloat(r.cells[2].textContent.replace(/,/g, "")); });
    check("the gains of the period sum to " + sum + ", not " + data.totals[1][0], Math.abs(sum - data.totals[1][0]) < 0.1);
    check("the period is not named", all(".of").every(function (e) { return e.textContent === data.periods[1].name; }));
    chartsRead("in a period");
    fits("in a period");
    select.value = "0";
    select.dispatchEvent(new Event("change"));
    await settled();
  }

  async function miner() {
    var link = one("#miners tbody tr a"), copied = "", section = one("#miner");
    location.hash = link.getAttribute("href");
    await settled();
    await settled();
    check("a miner's section has " + all("table", section).length + " tables and " + all("svg", section).length + " curves",
      visible(section) && all("table[data-csv]", section).length === 3 && all("svg path.line", section).length === 1);
    check("the section is not focused", document.activeElement.id === "miner-title" && document.activeElement.textContent === "Miner " + link.title);
    Object.defineProperty(navigator, "clipboard", { value: { writeText: function (t) { copied = t; return Promise.resolve(); } } });
    one("button", section).click();
    await settled();
    check("copied " + copied, copied === link.title);
    fits("with a miner");
    await accessible("with a miner");
  }

  try {
    check("the window is " + innerWidth + " wide", innerWidth === width);
    fits("at first");
    chartsRead("at first");
    await accessible("at first");
    await charts();
    await leaderboard();
    await csv();
    await period();
    await miner();
  } catch (e) {
    wrong.push(String(e) + " " + e.stack);
  }
  return wrong.join("\n");
})
