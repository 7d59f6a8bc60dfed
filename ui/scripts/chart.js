// Draws what web/kit/charts.py describes. Colours are the page's tokens, so dark mode and brand come along.
// Everything is drawn on a canvas (the tooltip too): our policy allows no inline style.
import { BarChart, LineChart, PieChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, PieChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

// The parts of a whole go from least to most, as the badges of tiers do.
const PARTS = ["--color-secondary", "--color-info", "--color-warning", "--color-primary", "--color-error", "--color-success"];
const SERIES = ["--color-primary", "--color-info", "--color-warning", "--color-success", "--color-error", "--color-secondary"];

export function draw(place) {
  place.dataset.drawn = "";
  const described = JSON.parse(place.dataset.chart);
  const canvas = place.querySelector("[data-canvas]");
  const chart = init(canvas, null, { renderer: "canvas" });
  const token = (name) => getComputedStyle(canvas).getPropertyValue(name).trim();
  const paint = () => chart.setOption(options(described, token), true);
  paint();
  new ResizeObserver(() => chart.resize()).observe(canvas);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

function options(described, token) {
  const text = token("--color-base-content");
  const quiet = `color-mix(in oklab, ${text} 72%, ${token("--color-base-100")})`;
  const line = token("--color-base-300");
  const figures = new Intl.NumberFormat(document.documentElement.lang, described.format);
  const named = { icon: "roundRect", itemWidth: 10, itemHeight: 10, textStyle: { color: mixed(quiet, text) } };
  const shared = {
    color: SERIES.map(token),
    animation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 250,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: text },
    tooltip: {
      trigger: described.kind === "share" ? "item" : "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: token("--color-base-100"),
      borderColor: line,
      textStyle: { color: text, fontSize: 12 },
      valueFormatter: (value) => (value == null ? "–" : figures.format(value)),
    },
    legend: described.series.length > 1 ? { ...named, top: 0, left: 0 } : undefined,
  };
  if (described.kind === "share") return { ...shared, color: PARTS.map(token), legend: { ...named, bottom: 0, left: "center" }, series: [ring(described, token)] };
  return {
    ...shared,
    grid: { top: described.series.length > 1 ? 32 : 12, left: 4, right: 12, bottom: 0, containLabel: true },
    xAxis: {
      type: "category",
      data: described.labels,
      boundaryGap: described.kind !== "line",
      axisTick: { show: false },
      axisLine: { lineStyle: { color: line } },
      axisLabel: { color: mixed(quiet, text), hideOverlap: true },
    },
    yAxis: {
      type: "value",
      splitNumber: 4,
      axisLabel: { color: mixed(quiet, text), formatter: (value) => figures.format(value) },
      splitLine: { lineStyle: { color: line } },
    },
    series: described.series.map((series) => ({
      name: series.name,
      data: series.values,
      type: described.kind === "line" ? "line" : "bar",
      stack: described.kind === "stack" ? "all" : undefined,
      barMaxWidth: 28,
      symbol: "none",
      lineStyle: { width: 2 },
      areaStyle: described.kind === "line" && described.series.length === 1 ? { opacity: 0.08 } : undefined,
    })),
  };
}

function ring(described, token) {
  const [series] = described.series;
  return {
    type: "pie",
    radius: ["55%", "82%"],
    center: ["50%", "44%"],
    data: described.labels.map((name, at) => ({ name, value: series.values[at] })),
    label: { show: false },
    itemStyle: { borderColor: token("--color-base-100"), borderWidth: 2 },
  };
}

// The canvas of ECharts parses no color-mix(): let the browser turn it into plain channels.
function mixed(colour, otherwise) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = otherwise;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}
