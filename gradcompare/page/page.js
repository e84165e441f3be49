"use strict";
// Without this script every card stands below the graph; with it, the one that is pointed at stands beside it.
(function () {
  var byId = function (id) { return document.getElementById(id); };
  var cards = document.querySelector(".cards");
  var shown = null, kept = null;

  function show(id) {
    var card = byId(id);
    if (!card || card === shown) return;
    if (shown) shown.classList.remove("on");
    card.classList.add("on");
    shown = card;
    document.querySelectorAll("[data-tensor]").forEach(function (link) {
      link.classList.toggle("on", link.dataset.tensor === id);
    });
    document.querySelectorAll(".edges path").forEach(function (path) {
      path.classList.toggle("on", path.dataset.from === id || path.dataset.to === id);
    });
  }

  function tensorOf(event) {
    var link = event.target.closest && event.target.closest("[data-tensor]");
    return link ? link.dataset.tensor : null;
  }

  if (cards && cards.querySelector(".card")) {
    document.documentElement.classList.add("one-card");
    kept = (cards.querySelector(".card.start") || cards.querySelector(".card")).id;
    show(kept);
    document.addEventListener("pointerover", function (event) {
      var id = tensorOf(event);
      if (id && event.target.closest("svg")) { cards.classList.add("picked"); show(id); }
    });
    document.addEventListener("focusin", function (event) {
      var id = tensorOf(event);
      if (id && event.target.closest("svg")) { cards.classList.add("picked"); kept = id; show(id); }
    });
    document.addEventListener("click", function (event) {
      var id = tensorOf(event);
      if (!id) return;
      event.preventDefault();
      kept = id;
      show(id);
      if (!event.target.closest("svg")) byId(id).scrollIntoView({ block: "nearest" });
    });
    var graph = document.querySelector(".graph svg");
    if (graph) graph.addEventListener("pointerleave", function () { show(kept); });
    document.addEventListener("keydown", function (event) {
      var link = event.target.closest && event.target.closest("svg [data-tensor]");
      var step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (!link || !step) return;
      var all = Array.prototype.slice.call(link.parentNode.querySelectorAll("[data-tensor]"));
      var next = all[all.indexOf(link) + step];
      if (next) { event.preventDefault(); next.focus(); }
    });
  }

  document.querySelectorAll("[data-copy]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      var selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    });
  });
})();
