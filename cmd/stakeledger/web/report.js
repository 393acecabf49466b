// The page: what is shown is that of a period, chosen from those that the ledger's command worked out.

var source = document.getElementById("data");
if (source) { start(JSON.parse(source.textContent)); }

function start(data) {
  places = data.places;
  var periods = data.periods || [], chosen = 0, open = null, sectionOf = document.getElementById("miner");
  var table = document.getElementById("miners"), rows = Array.from(table.tBodies[0].rows), byAddress = new Map();
  rows.forEach(function (row, i) {
    var link = row.cells[1].querySelector("a");
    row.data = data.miners[i];
    row.short = link.textContent;
    link.title = addressOf(link);
    byAddress.set(link.title, row);
  });
  var list = newList(table, function (row, text) {
    return row.cells[1].querySelector("a").title.toLowerCase().includes(text) || row.cells[6].textContent === text;
  });
  ["winners", "losers"].forEach(function (id) { document.querySelector("#" + id + " table").setAttribute("data-csv", id); });
  Array.from(document.querySelectorAll("table[data-csv]")).forEach(addCSV);
  var all = document.getElementById("all") && newChart(document.getElementById("all"), "Gain of all miners");
  var best = document.getElementById("best") && newChart(document.getElementById("best"), "Gain of winners and losers");

  // inPeriod are the points that the curves of the chosen period have: from the one before it on.
  function inPeriod(points) {
    var p = periods[chosen];
    return points.map(function (point, i) { return i; }).filter(function (i) { return points[i] >= p.from - 1 && points[i] < p.until; });
  }

  // chart draws curves over points; each begins with nothing, and ends with what was gained in the period.
  function chart(target, points, lines) {
    var shown = inPeriod(points), times = shown.map(function (i) { return points[i] * data.length; });
    target.show(lines.map(function (l) {
      var base = l.values[shown[shown.length - 1]] - l.gain;
      return { name: l.name, values: shown.map(function (at, i) { return i ? l.values[at] - base : 0; }), colour: l.colour };
    }), times, data.length);
    return shown.length;
  }

  function gainOf(row) { return row.data.p[chosen][0]; }

  function standings(id, first) {
    var section = document.getElementById(id), body = section.querySelector("tbody"), largest = 0;
    rows.forEach(function (r) { largest = Math.max(largest, Math.abs(gainOf(r))); });
    body.replaceChildren();
    first.forEach(function (r) {
      var p = r.data.p[chosen], row = element("tr"), name = element("td"), bar = element("td", { "class": "bar" }), length = element("i");
      name.append(element("a", { href: r.cells[1].querySelector("a").getAttribute("href"), title: r.cells[1].querySelector("a").title }, r.short));
      length.style.width = 100 * Math.abs(p[0]) / largest + "%";
      bar.append(length);
      row.append(name, element("td", { "class": "n" }, fixed(p[0])), element("td", { "class": "n" }, ratio(p[3], p[2])), bar);
      body.append(row);
    });
    section.querySelector(".none").hidden = first.length > 0;
    section.querySelector("table").hidden = section.querySelector(".csv").hidden = first.length === 0;
  }

  function rates() {
    var bins = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], won = 0, counted = 0, without = 0, target = document.getElementById("rates");
    if (!target) { return; }
    rows.forEach(function (r) {
      var p = r.data.p[chosen];
      won += p[3];
      counted += p[2];
      if (p[2]) { bins[Math.min(9, Math.floor(10 * p[3] / p[2]))]++; } else { without++; }
    });
    var largest = Math.max.apply(null, bins) || 1;
    bins.forEach(function (n, i) {
      target.tBodies[0].rows[i].cells[1].textContent = n;
      target.tBodies[0].rows[i].querySelector("i").style.width = 100 * n / largest + "%";
    });
    document.getElementById("rates-note").textContent = counted ? "Of all counted closes " + won.toLocaleString("en") + " of " + counted.toLocaleString("en") +
      " gained, " + ratio(won, counted) + " %. " + without + " of " + rows.length + " miners have none." : "No close counts in this period.";
  }

  function figure(key, text, name) {
    var target = document.querySelector("dd[data-key=" + key + "]");
    target.textContent = text;
    target.className = name || "";
  }

  // choose shows a period: gains, rates and closes everywhere, and the miners in the order of their gains.
  function choose(n) {
    chosen = n;
    var total = data.totals[n], ranked = rows.slice().sort(function (a, b) { return gainOf(b) - gainOf(a); });
    ranked.forEach(function (row, i) {
      var p = row.data.p[n], cells = row.cells;
      if (n > 0 || row.changed) {
        cells[0].textContent = i + 1;
        cells[2].textContent = fixed(p[0]);
        cells[2].className = direction(p[0]);
        cells[3].textContent = ratio(p[3], p[2]);
        cells[4].textContent = p[1];
        row.changed = true;
      }
    });
    figure("gain", fixed(total[0]), direction(total[0]));
    figure("rate", ratio(total[3], total[2]));
    figure("closes", total[1].toLocaleString("en"));
    Array.from(document.querySelectorAll(".of")).forEach(function (e) { e.textContent = n ? periods[n].name : "all time"; });
    document.getElementById("of-now").hidden = n === 0;
    standings("winners", ranked.filter(function (r) { return gainOf(r) > 0; }).slice(0, 5));
    standings("losers", ranked.filter(function (r) { return gainOf(r) < 0; }).slice(-5).reverse());
    rates();
    chart(all, data.fine, [{ name: "All miners", values: data.all, gain: total[0], colour: 0 }]);
    best.show((data.lines[n] || []).map(function (l, i) {
      return { name: rows[l.m].short, values: l.v, colour: i + 1 };
    }), inPeriod(data.fine).map(function (i) { return data.fine[i] * data.length; }), data.length);
    list.sort();
    if (open) { show(open); }
  }

  function curve(target) {
    if (!periods.length) { return; }
    var points = chart(newChart(target, "Gain of the miner"), data.coarse, [{ name: "Gain", values: open.data.c, gain: gainOf(open), colour: 1 }]);
    var all = inPeriod(data.fine).length;
    if (points < all) { target.append(element("p", { "class": "note" }, "To keep the page small the line has " + points + " points instead of " + all + ".")); }
  }

  function show(row) {
    open = row;
    return showMiner(sectionOf, row, row.data, curve, function () {
      open = null;
      sectionOf.hidden = true;
      history.replaceState(null, "", "#miners-title");
      row.cells[1].querySelector("a").focus();
    });
  }

  // follow shows the miner that the page's address names.
  function follow() {
    var name = "";
    try { name = decodeURIComponent(location.hash.slice(1)); } catch (e) { return; }
    if (!byAddress.has(name)) { return; }
    var heading = show(byAddress.get(name));
    heading.scrollIntoView();
    heading.focus({ preventScroll: true });
  }

  if (periods.length) {
    var select = document.getElementById("period");
    periods.forEach(function (p, i) { select.append(new Option(p.name, i)); });
    select.addEventListener("change", function () { choose(+select.value); });
    document.getElementById("chooser").hidden = periods.length < 2;
    choose(0);
  }
  var find = document.getElementById("find");
  document.getElementById("finder").hidden = rows.length < 10;
  find.addEventListener("input", function () {
    var text = find.value.trim().toLowerCase(), n = list.find(text);
    document.getElementById("found").textContent = text === "" ? "" : n + " of " + rows.length;
  });
  window.addEventListener("hashchange", follow);
  if (rows.length === 1) { show(rows[0]); }
  follow();
}
