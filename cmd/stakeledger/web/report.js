(function () {
  "use strict";
  var data = document.getElementById("gains");
  if (data) {
    var gains = JSON.parse(data.textContent);
    chart(document.getElementById("all"), gains, 0, 1);
    chart(document.getElementById("best"), gains, 1, gains.names.length);
  }
  var table = document.getElementById("miners");
  if (table) { sortable(table); findable(table); }

  // chart draws some of the lines of gains, again whenever the colours of the page change.
  function chart(box, gains, from, until) {
    var lines = gains.values.slice(from, until);
    var plot = null;
    var dark = window.matchMedia("(prefers-color-scheme: dark)");
    var number = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
    var short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, notation: "compact" });

    function last(list) { return list[list.length - 1]; }
    function day(t) { return new Date(t * 1000).toISOString().slice(0, 10); }
    // days names the ticks of the time axis as finely as they stand; the year where it begins.
    function days(u, ticks, axis, space, step) {
      var year = "";
      return ticks.map(function (t) {
        var text = day(t), fresh = text.slice(0, 4) !== year;
        year = text.slice(0, 4);
        if (step >= 360 * 86400) { return year; }
        if (step >= 27 * 86400) { return text.slice(0, 7); }
        return text.slice(5) + (fresh ? "\n" + year : "");
      });
    }
    function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim(); }
    function size() { return { width: box.clientWidth, height: Math.max(240, Math.min(340, box.clientWidth * 0.55)) }; }
    function series(name, i) {
      return {
        label: name, stroke: colour("line" + (from + i)), width: from + i === 0 ? 2 : 1.5, points: { show: false },
        value: function (u, v) { return number.format(v == null ? last(lines[i]) : v); }
      };
    }
    function draw() {
      if (plot) { plot.destroy(); }
      var axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
      var options = size();
      options.tzDate = function (t) { return uPlot.tzDate(new Date(t * 1000), "Etc/UTC"); };
      options.cursor = { drag: { x: true, y: false } };
      options.axes = [Object.assign({ space: 70, values: days }, axis), Object.assign({
        size: 64, values: function (u, ticks) { return ticks.map(function (v) { return short.format(v); }); }
      }, axis)];
      options.series = [{ label: "Day", value: function (u, v) { return day(v == null ? last(gains.times) : v); } }]
        .concat(gains.names.slice(from, until).map(series));
      plot = new uPlot(options, [gains.times].concat(lines), box);
    }
    draw();
    dark.addEventListener("change", draw);
    new ResizeObserver(function () {
      requestAnimationFrame(function () { if (plot.width !== box.clientWidth) { plot.setSize(size()); } });
    }).observe(box);
  }

  // sortable has a click on a column's title sort the rows by it, and another one the other way round.
  function sortable(table) {
    var body = table.tBodies[0];
    Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && (column < 2 || !head.classList.contains("n")));
        var isNumber = head.classList.contains("n");
        function key(row) {
          var text = column === 1 ? row.cells[1].title : row.cells[column].textContent;
          if (!isNumber) { return text; }
          var n = parseFloat(text.replace(/,/g, ""));
          return isNaN(n) ? -Infinity : n;
        }
        var rows = Array.from(body.rows).map(function (row) { return { row: row, key: key(row) }; });
        rows.sort(function (a, b) { return a.key < b.key ? -1 : a.key > b.key ? 1 : 0; });
        if (!up) { rows.reverse(); }
        rows.forEach(function (r) { body.appendChild(r.row); });
        Array.from(head.parentNode.cells).forEach(function (h) { h.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
      });
    });
  }

  // findable shows only the rows whose address or UID holds what is typed.
  function findable(table) {
    var field = document.getElementById("find"), found = document.getElementById("found");
    var rows = Array.from(table.tBodies[0].rows);
    field.closest(".tools").hidden = rows.length < 10;
    field.addEventListener("input", function () {
      var wanted = field.value.trim().toLowerCase(), n = 0;
      rows.forEach(function (row) {
        var shown = row.cells[1].title.toLowerCase().includes(wanted) || row.cells[2].textContent === wanted;
        row.hidden = !shown;
        n += shown ? 1 : 0;
      });
      found.textContent = wanted === "" ? "" : n + " of " + rows.length;
    });
  }
})();
