// Two charts, drawn as SVG; the figures stand in a table beside each.
'use strict';

(() => {
  const { h, svg, t, known } = site;

  function ticks(low, high, wanted) {
    const step = 10 ** Math.floor(Math.log10((high - low) / wanted || 1));
    const size = [1, 2, 5, 10].map((each) => each * step).find((each) => (high - low) / each <= wanted) || step;
    const found = [];
    for (let at = Math.ceil(low / size) * size; at <= high + size / 1e6; at += size) found.push(Number(at.toPrecision(10)));
    return found.map((each) => [each, site.decimal(each, digits(size))]);
  }

  // As many as tell apart what is so far from each other.
  const digits = (size) => Math.max(0, -Math.floor(Math.log10(size) + 1e-9));

  // Points {name, x, y, low, high, strong}; x may be logarithmic. Each point is numbered as in the table.
  site.scatter = ({ label, points, x, y, log }) => {
    const shown = points.filter((point) => known(point.x) && known(point.y) && (!log || point.x > 0));
    if (shown.length < 2) return null;
    const [width, height, left, bottom, top, right] = [640, 300, 56, 46, 14, 120];
    const scale = log ? Math.log10 : (value) => value;
    let [from, to] = [Math.min(...shown.map((point) => scale(point.x))), Math.max(...shown.map((point) => scale(point.x)))];
    const margin = (to - from) * 0.08 || 0.5;
    [from, to] = [from - margin, to + margin];
    const values = shown.flatMap((point) => [point.y, point.low, point.high]).filter(known);
    let [low, high] = [Math.min(...values), Math.max(...values)];
    const room = (high - low) * 0.08 || 0.05;
    [low, high] = [low - room, high + room];
    const px = (value) => left + ((scale(value) - from) / (to - from)) * (width - left - right);
    const py = (value) => height - bottom - ((value - low) / (high - low)) * (height - bottom - top);
    const grid = ticks(low, high, 6).map(([each, said]) => [
      svg('line', { x1: left, x2: width - right, y1: py(each), y2: py(each), class: 'grid' }),
      svg('text', { x: left - 8, y: py(each) + 4, class: 'tick end' }, said),
    ]);
    const steps = Array.from({ length: 13 }, (_, at) => [1, 2, 5].map((each) => each * 10 ** (at - 4))).flat()
      .filter((each) => Math.log10(each) >= from && Math.log10(each) <= to).map((each) => [each, site.decimal(each, digits(each))]);
    // Values that lie close together have no round step of a logarithm between them.
    const across = log && steps.length > 1 ? steps : log ? ticks(10 ** from, 10 ** to, 6) : ticks(from, to, 6);
    const every = Math.ceil(across.length / 8);
    const bottoms = across.filter((_, at) => at % every === 0).map(([each, said]) => [
      svg('line', { x1: px(each), x2: px(each), y1: height - bottom, y2: height - bottom + 4, class: 'axis' }),
      svg('text', { x: px(each), y: height - bottom + 18, class: 'tick middle' }, said),
    ]);
    // Names that would lie on each other are moved down.
    const lines = [];
    const names = shown.map((point) => ({ point, x: px(point.x) + 9, y: py(point.y) + 4 })).sort((a, b) => a.y - b.y);
    for (const each of names) {
      while (lines.some((other) => Math.abs(other.y - each.y) < 14 && Math.abs(other.x - each.x) < 130)) each.y += 3;
      lines.push(each);
    }
    return h('figure', {}, site.scroll(t('chart.of', { label }), svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
      grid, bottoms,
      svg('line', { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom, class: 'axis' }),
      svg('text', { x: (left + width - right) / 2, y: height - 8, class: 'label middle' }, x),
      svg('text', { x: -(height - bottom + top) / 2, y: 14, transform: 'rotate(-90)', class: 'label middle' }, y),
      shown.map((point) => [
        known(point.low) && known(point.high) ? svg('line', { x1: px(point.x), x2: px(point.x), y1: py(point.low), y2: py(point.high), class: 'span' }) : null,
        svg('circle', { cx: px(point.x), cy: py(point.y), r: 5, class: point.strong ? 'dot strong' : 'dot' }),
      ]),
      names.map((each) => svg('text', { x: each.x, y: each.y, class: 'name' }, each.point.name.length > 18 ? `${each.point.name.slice(0, 17)}…` : each.point.name)))),
    h('figcaption', {}, label));
  };

  // Shares of a whole as one bar; parts are [name, count, class].
  site.bar = (label, parts) => {
    const all = parts.reduce((sum, [, count]) => sum + count, 0) || 1;
    let from = 0;
    return svg('svg', { class: 'bar', viewBox: '0 0 100 6', preserveAspectRatio: 'none', role: 'img', 'aria-label': `${label}: ${parts.map(([name, count]) => `${name} ${count}`).join(', ')}` },
      parts.map(([, count, kind]) => {
        const x = from;
        from += (100 * count) / all;
        return svg('rect', { x, y: 0, width: (100 * count) / all, height: 6, class: kind });
      }));
  };

  // A score over time; the figures stand in the table below it.
  site.timeline = (label, points) => {
    const shown = points.filter((point) => known(point.y));
    if (shown.length < 2) return null;
    const values = shown.flatMap((point) => [point.y, point.low, point.high]).filter(known);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const px = (at) => 12 + (at * 296) / (shown.length - 1);
    const py = (value) => 70 - ((value - low) / ((high - low) || 1)) * 60;
    return svg('svg', { class: 'timeline', viewBox: '0 0 320 80', role: 'img', 'aria-label': label },
      svg('polyline', { points: shown.map((point, at) => `${px(at)},${py(point.y)}`).join(' '), class: 'line' }),
      shown.map((point, at) => [
        known(point.low) && known(point.high) ? svg('line', { x1: px(at), x2: px(at), y1: py(point.low), y2: py(point.high), class: 'span' }) : null,
        svg('circle', { cx: px(at), cy: py(point.y), r: 4, class: 'dot' }),
      ]));
  };
})();
