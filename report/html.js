(function () {
  'use strict';
  var table = document.getElementById('findings');
  if (!table) return;
  var first = 100, all = false;
  var rows = Array.from(table.tBodies[0].rows), words = rows.map(function (r) { return r.textContent.toLowerCase(); });
  var text = document.getElementById('text'), priority = document.getElementById('priority'), severity = document.getElementById('severity');
  var count = document.getElementById('count'), more = document.getElementById('more');
  function filter() {
    var wanted = text.value.toLowerCase().split(/\s+/), found = 0;
    rows.forEach(function (r, i) {
      var fits = (!priority.value || r.dataset.priority === priority.value) && (!severity.value || r.dataset.severity === severity.value) &&
        wanted.every(function (w) { return words[i].includes(w); });
      if (fits) found++;
      r.hidden = !fits || !all && found > first;
    });
    count.textContent = found + ' of ' + rows.length;
    more.hidden = all || found <= first;
    more.textContent = 'show all ' + found;
  }
  [text, priority, severity].forEach(function (e) { e.addEventListener('input', filter); });
  more.addEventListener('click', function () { all = true; filter(); });
  addEventListener('beforeprint', function () { all = true; filter(); });
  document.getElementById('controls').hidden = false;
  filter();
})();
