// A chart of lines over time, drawn as SVG as wide as its figure is, so that it prints and follows the colours
// of the page by itself. Next to it stand a legend of buttons, a summary, and its numbers as a table.

var svgNS = "http://www.w3.org/2000/svg";

function element(name, attributes, text) {
  var e = document.createElement(name);
  Object.keys(attributes || {}).forEach(function (k) { e.setAttribute(k, attributes[k]); });
  if (text !== undefined) { e.textContent = text; }
  return e;
}

function svg(name, attributes, text) {
  var e = document.createElementNS(svgNS, name);
  Object.keys(attributes).forEach(function (k) { e.setAttribute(k, attributes[k]); });
  if (text !== undefined) { e.textContent = text; }
  return e;
}

// steps are the distances between two ticks of the time axis, in seconds, up to where months begin.
var hour = 3600, day = 24 * hour;
var steps = [hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 4 * day, 7 * day, 14 * day];
var months = [1, 2, 3, 6, 12, 24, 60, 120, 600, 1200];

function iso(t, from, until) { return new Date(t * 1000).toISOString().slice(from, until); }
var monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// timeTicks are at most so many round times between two others, each with its label; below the label of the
// first, and of each where a year (or, of hours, a day) begins, stands which one.
function timeTicks(from, until, most) {
  var step = steps.find(function (s) { return (until - from) / s < most; }), ticks = [], t;
  if (step) {
    var base = step >= 7 * day ? 4 * day : 0; // a Monday
    for (t = Math.ceil((from - base) / step) * step + base; t <= until; t += step) { ticks.push(t); }
  } else {
    var begin = new Date(from * 1000), first = begin.getUTCFullYear() * 12 + begin.getUTCMonth();
    var apart = months.find(function (n) { return (until - from) / (n * 30 * day) < most; }) || 1200;
    for (var m = Math.ceil(first / apart) * apart; (t = Date.UTC(Math.floor(m / 12), m % 12, 1) / 1000) <= until; m += apart) {
      if (t >= from) { ticks.push(t); }
    }
  }
  var last = "";
  return ticks.map(function (t) {
    var name = monthNames[+iso(t, 5, 7) - 1], date = name + " " + +iso(t, 8, 10), year = iso(t, 0, 4);
    var label = !step ? (apart >= 12 ? year : name) : step < day ? iso(t, 11, 16) : date;
    var under = !step && apart >= 12 ? "" : step < day ? date : year;
    var fresh = under !== last;
    last = under;
    return { at: t, label: label, under: fresh ? under : "" };
  });
}

// valueTicks are round values from below the least to above the greatest.
function valueTicks(least, greatest, most) {
  var rough = (greatest - least) / most || 1, unit = Math.pow(10, Math.floor(Math.log10(rough)));
  var step = unit * [1, 2, 5, 10].find(function (n) { return n * unit >= rough * 0.999; }), ticks = [];
  for (var i = Math.floor(least / step + 1e-9); ; i++) {
    ticks.push(+(i * step).toPrecision(12));
    if (i * step >= greatest - step * 1e-9) { return ticks; }
  }
}

var compact = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, notation: "compact" });
var exact = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
function amountText(v) { return exact.format(v).replace(/^-0$/, "0"); }

// newChart makes the chart of a figure. show(lines, times, length) draws lines {name, values, colour} over
// times, which are the beginnings of stretches of a length, all in seconds.
function newChart(figure, title) {
  var plot = element("div", { "class": "plot" }), tip = element("div", { "class": "tip", "aria-hidden": "true", hidden: "" });
  var legend = element("p", { "class": "legend" }), caption = element("figcaption", { "class": "note" });
  var details = element("details"), table = element("table", { "data-csv": title.toLowerCase().replace(/\W+/g, "-") });
  var lines = [], times = [], length = day, off = {}, width = 0;
  var scroll = element("div", { "class": "scroll", tabindex: "0", role: "region", "aria-label": title + ", the numbers" });
  scroll.append(table);
  details.append(element("summary", {}, "The numbers as a table"), scroll);
  plot.append(tip);
  figure.append(plot, legend, caption, details);
  details.addEventListener("toggle", fill);
  addCSV(table);

  function name(t) { return length < day ? iso(t, 0, 10) + " " + iso(t, 11, 16) + "–" + iso(t + length, 11, 16) : iso(t, 0, 10); }
  function shown() { return lines.filter(function (l) { return !off[l.name]; }); }

  function range() {
    var first = times[0] + length, last = times[times.length - 1]; // the first is where it begins, with nothing
    if (length >= day) { return "From " + iso(first, 0, 10) + " to " + iso(last, 0, 10) + ", UTC."; }
    return "From " + minuteText(first / 60) + " to " + minuteText(last / 60 + 60) + ", UTC.";
  }

  function summary() {
    if (!lines.length) { return "No close in this period."; }
    return range() + " " + lines.map(function (l) {
      var v = l.values;
      return l.name + ": " + amountText(v[v.length - 1]) + " TAO at the end, between " + amountText(Math.min.apply(null, v)) + " and " + amountText(Math.max.apply(null, v)) + ".";
    }).join(" ");
  }

  function draw() {
    width = Math.max(240, plot.clientWidth);
    var height = Math.round(Math.max(200, Math.min(320, width * 0.5))), old = plot.querySelector("svg");
    if (old) { old.remove(); }
    if (!lines.length) { return; }
    var all = [0];
    shown().forEach(function (l) { all = all.concat(l.values); });
    var ys = valueTicks(Math.min.apply(null, all), Math.max.apply(null, all), height / 50), labels = ys.map(function (v) { return compact.format(v); });
    var left = 14 + 7 * Math.max.apply(null, labels.map(function (s) { return s.length; })), right = 22, top = 22, bottom = 40;
    var from = times[0], until = times[times.length - 1], low = ys[0], high = ys[ys.length - 1] === low ? low + 1 : ys[ys.length - 1];
    function x(t) { return left + (width - left - right) * (until > from ? (t - from) / (until - from) : 0.5); }
    function y(v) { return top + (height - top - bottom) * (high - v) / (high - low); }
    var image = svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": title + ". " + summary() });
    image.append(svg("text", { x: 2, y: 11, "class": "unit" }, "TAO"));
    ys.forEach(function (v, i) {
      image.append(svg("line", { x1: left, x2: width - right, y1: y(v), y2: y(v), "class": v === 0 ? "zero" : "grid" }));
      image.append(svg("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, labels[i]));
    });
    timeTicks(from, until, (width - left - right) / 62).forEach(function (t) {
      image.append(svg("line", { x1: x(t.at), x2: x(t.at), y1: height - bottom, y2: height - bottom + 5, "class": "grid" }));
      image.append(svg("text", { x: x(t.at), y: height - bottom + 18, "text-anchor": "middle" }, t.label));
      if (t.under) { image.append(svg("text", { x: x(t.at), y: height - bottom + 33, "text-anchor": "middle", "class": "unit" }, t.under)); }
    });
    shown().forEach(function (l) {
      var d = l.values.map(function (v, i) { return (i ? "L" : "M") + x(times[i]).toFixed(1) + " " + y(v).toFixed(1); }).join("");
      image.append(svg("path", { d: d, "class": "line line" + l.colour }));
    });
    var cursor = svg("line", { y1: top, y2: height - bottom, "class": "cursor", visibility: "hidden" });
    image.append(cursor);
    plot.append(image);
    image.addEventListener("pointermove", function (e) { point(e, image, cursor, x); });
    image.addEventListener("pointerleave", function () { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); });
  }

  // point shows the values of the time nearest to the pointer, next to it.
  function point(e, image, cursor, x) {
    var box = image.getBoundingClientRect(), at = (e.clientX - box.left) * width / box.width, i = 0;
    times.forEach(function (t, n) { if (Math.abs(x(t) - at) < Math.abs(x(times[i]) - at)) { i = n; } });
    cursor.setAttribute("x1", x(times[i]));
    cursor.setAttribute("x2", x(times[i]));
    cursor.setAttribute("visibility", "visible");
    tip.replaceChildren(element("b", {}, i ? name(times[i]) : "before " + name(times[0] + length)));
    shown().slice().sort(function (a, b) { return b.values[i] - a.values[i]; }).forEach(function (l) {
      var row = element("div");
      row.append(element("i", { "class": "key key" + l.colour }), l.name + " ", element("b", {}, amountText(l.values[i])));
      tip.append(row);
    });
    tip.hidden = false;
    var px = e.clientX - box.left, py = e.clientY - box.top, w = tip.offsetWidth, h = tip.offsetHeight, gap = 14;
    var right = px + gap + w <= box.width, left = !right && px - gap - w >= 0; // of the pointer; else below it
    tip.style.left = (right ? px + gap : left ? px - gap - w : Math.max(0, Math.min(px - w / 2, box.width - w))) + "px";
    tip.style.top = (right || left ? Math.max(0, Math.min(py - h / 2, box.height - h)) : py + gap) + "px";
  }

  function drawLegend() {
    legend.replaceChildren();
    legend.hidden = lines.length < 2;
    lines.forEach(function (l) {
      var button = element("button", { type: "button", "aria-pressed": String(!off[l.name]) });
      button.append(element("i", { "class": "key key" + l.colour }), l.name);
      button.addEventListener("click", function () {
        off[l.name] = !off[l.name];
        button.setAttribute("aria-pressed", String(!off[l.name]));
        draw();
      });
      legend.append(button);
    });
  }

  // fill makes the table, of some thirty times: those at the end of as many equal parts.
  function fill() {
    if (!details.open) { return; }
    var head = element("tr"), body = element("tbody"), every = Math.ceil(times.length / 31);
    head.append(element("th", { scope: "col" }, length < day ? "Hour (UTC)" : "Day (UTC)"));
    lines.forEach(function (l) { head.append(element("th", { scope: "col", "class": "n" }, l.name + ", TAO")); });
    times.forEach(function (t, i) {
      if (i === 0 || (times.length - 1 - i) % every) { return; }
      var row = element("tr");
      row.append(element("td", {}, name(t)));
      lines.forEach(function (l) { row.append(element("td", { "class": "n" }, amountText(l.values[i]))); });
      body.append(row);
    });
    table.replaceChildren(element("thead"), body);
    table.tHead.append(head);
  }

  new ResizeObserver(function () {
    requestAnimationFrame(function () { if (plot.clientWidth && plot.clientWidth !== width && !matchMedia("print").matches) { draw(); } });
  }).observe(plot);

  return {
    show: function (newLines, newTimes, newLength) {
      lines = newLines, times = newTimes, length = newLength;
      details.hidden = !lines.length;
      caption.textContent = lines.length > 1 ? range() : summary();
      draw();
      drawLegend();
      fill();
    }
  };
}
