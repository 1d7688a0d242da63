// A cell: one model on one dataset.
'use strict';

(() => {
  const { h, t, known } = site;

  function scores(summary) {
    const overall = (summary.breakdown.find(([dimension]) => dimension === 'overall') || ['', []])[1];
    const rows = overall.filter((row) => row[2]).map((row) => ({ metric: summary.metrics[row[0]], row }));
    return site.table({
      caption: t('scores'),
      rowHeader: 'metric',
      rows,
      columns: [
        { key: 'metric', label: t('metric'), value: ({ metric }) => metric.name, cell: ({ metric }) => [site.direction(metric), metric.about ? h('span', { class: 'small block' }, site.english(metric.about)) : null] },
        { key: 'score', label: t('score'), numeric: true, value: ({ row }) => row[5], heat: ({ metric, row }) => site.heat(row[5], metric), cell: ({ row }) => h('strong', {}, site.score(row[5])) },
        { key: 'interval', label: t('interval'), className: 'wide', cell: ({ metric, row }) => site.bounds(row[5], row[6], row[7], metric, row[3]) },
        { key: 'answered', label: t('answered.only'), title: t('answered.only.hint'), numeric: true, value: ({ row }) => row[8], cell: ({ row }) => site.score(row[8]) },
        { key: 'coverage', label: t('coverage'), numeric: true, value: ({ row }) => row[4], cell: ({ row }) => site.percent(row[4]) },
        { key: 'n', label: t('samples'), numeric: true, value: ({ row }) => row[2], cell: ({ row }) => site.whole(row[2]) },
        { key: 'documents', label: t('documents'), numeric: true, value: ({ row }) => row[3], cell: ({ row }) => site.whole(row[3]) },
      ],
    });
  }

  function breakdown(summary) {
    const dimensions = summary.breakdown.map(([dimension]) => dimension).filter((each) => each !== 'overall');
    if (!dimensions.length) return null;
    const box = h('div');
    const across = (name, side) => new Set(summary.breakdown.find(([each]) => each === name)[1].map((row) => row[1].split('|')[side])).size;
    // Two at once, where there are several of both, show where it fails: fields by kinds of documents before others.
    const pairs = dimensions.filter((each) => each.includes('*') && across(each, 0) > 1 && across(each, 1) > 1);
    let dimension = pairs.find((each) => each.split('*').sort().join() === 'doc_type,field') || pairs[0] || dimensions[0];
    let metric = Math.max(0, summary.metrics.findIndex((each) => each.name === summary.headline));
    const draw = () => {
      const rows = summary.breakdown.find(([name]) => name === dimension)[1].filter((row) => row[0] === metric);
      const about = summary.metrics[metric];
      box.replaceChildren(dimension.includes('*') ? crossed(dimension, rows, about) : site.table({
        caption: t('by', { dimension: site.dimension(dimension) }),
        rows,
        rowHeader: 'group',
        columns: [
          { key: 'group', label: site.named('dimension', dimension), value: (row) => row[1], cell: (row) => toSamples(summary, dimension, row[1]) },
          { key: 'score', label: about.name, numeric: true, down: about.higher, value: (row) => row[5], heat: (row) => site.heat(row[5], about), cell: (row) => h('strong', {}, site.score(row[5])) },
          { key: 'interval', label: t('interval'), className: 'wide', cell: (row) => site.bounds(row[5], row[6], row[7], about, row[3]) },
          { key: 'answered', label: t('answered.only'), numeric: true, value: (row) => row[8], cell: (row) => site.score(row[8]) },
          { key: 'coverage', label: t('coverage'), numeric: true, value: (row) => row[4], cell: (row) => site.percent(row[4]) },
          { key: 'n', label: t('samples'), numeric: true, down: true, value: (row) => row[2], cell: (row) => site.whole(row[2]) },
          { key: 'documents', label: t('documents'), numeric: true, down: true, value: (row) => row[3], cell: (row) => site.whole(row[3]) },
        ],
      }));
    };
    draw();
    return site.panel(t('breakdown'), h('div', { class: 'controls' },
      site.select(t('dimension'), dimensions.map((each) => [each, site.dimension(each)]), dimension, (value) => { dimension = value; draw(); }),
      site.select(t('metric'), summary.metrics.map((each, at) => [String(at), each.name]), String(metric), (value) => { metric = Number(value); draw(); })), box);
  }

  // Two dimensions at once: one down, one across.
  function crossed(dimension, rows, about) {
    const [down, across] = dimension.split('*');
    const groups = new Map();
    const columns = [];
    for (const row of rows) {
      const at = row[1].indexOf('|');
      const [one, two] = at < 0 ? [row[1], ''] : [row[1].slice(0, at), row[1].slice(at + 1)];
      if (!groups.has(one)) groups.set(one, new Map());
      if (!columns.includes(two)) columns.push(two);
      groups.get(one).set(two, row);
    }
    return site.table({
      caption: t('by', { dimension: site.dimension(dimension) }),
      rowHeader: 'group',
      rows: [...groups],
      columns: [
        { key: 'group', label: `${site.named('dimension', down)} \\ ${site.named('dimension', across)}`, value: ([name]) => name, cell: ([name]) => site.said(name || t('none')) },
        ...columns.map((name) => ({
          key: `c ${name}`, label: name || t('none'), numeric: true, down: about.higher,
          value: ([, found]) => (found.get(name) || [])[5],
          heat: ([, found]) => site.heat((found.get(name) || [])[5], about),
          cell: ([, found]) => { const row = found.get(name); return row ? [h('strong', {}, site.score(row[5])), h('span', { class: 'small' }, ` n=${site.whole(row[2])}`)] : site.nothing; },
        })),
      ],
    });
  }

  function toSamples(summary, dimension, group) {
    const said = site.said(group || t('none'));
    return ['field', 'doc_type', 'subset', 'language'].includes(dimension) && group
      ? site.link(said, ['samples', summary.dataset], { model: summary.model, [dimension]: group }) : said;
  }

  function statuses(summary) {
    const all = summary.statuses.reduce((sum, row) => sum + row[1], 0);
    return site.panel(t('statuses'), site.table({
      caption: t('statuses'),
      rowHeader: 'status',
      rows: summary.statuses,
      columns: [
        { key: 'status', label: t('status'), value: (row) => row[0], cell: (row) => h('a', { href: site.href(['samples', summary.dataset], { model: summary.model, status: row[0] }) }, site.status(row[0])) },
        { key: 'n', label: t('answers'), numeric: true, down: true, value: (row) => row[1], cell: (row) => site.whole(row[1]) },
        { key: 'share', label: t('share'), numeric: true, down: true, value: (row) => row[1], cell: (row) => site.percent(row[1] / all) },
        { key: 'why', label: t('why.mostly'), cell: (row) => (row[2] ? h('span', { class: 'clip' }, site.reason(row[2])) : site.nothing) },
      ],
    }));
  }

  function errors(summary) {
    const kinds = [...new Set(summary.errors.map((row) => row[1]))].filter(Boolean);
    if (!kinds.length) return null;
    const fields = new Map();
    for (const [field, kind, count] of summary.errors) {
      if (!fields.has(field)) fields.set(field, new Map());
      fields.get(field).set(kind, count);
    }
    const named = kinds.map((kind) => [kind, site.named('category', kind)]);
    return site.panel(t('errors'), h('p', { class: 'hint' }, t('errors.hint', { metric: site.listed(summary.judged) })), h('ul', { class: 'legend' }, named.map(([kind, name]) => h('li', {}, h('span', { class: `swatch category-${kind}`, 'aria-hidden': 'true' }), name))),
      site.table({
        caption: t('errors'),
        rowHeader: 'field',
        rows: [...fields],
        columns: [
          { key: 'field', label: site.named('dimension', 'field'), value: ([field]) => field, cell: ([field]) => site.said(field || t('none')) },
          { key: 'bar', label: t('share'), className: 'wide', cell: ([field, counts]) => site.bar(field || t('none'), named.map(([kind, name]) => [name, counts.get(kind) || 0, `fill-${kind}`])) },
          ...named.map(([kind, name]) => ({ key: kind, label: name, numeric: true, down: true, value: ([, counts]) => counts.get(kind) || 0, cell: ([field, counts]) => count(summary, field, kind, counts.get(kind) || 0) })),
        ],
      }));
  }

  const count = (summary, field, kind, n) => (n ? site.link(site.whole(n), ['samples', summary.dataset], { model: summary.model, field, category: kind }, { 'aria-label': `${field || t('none')}, ${site.named('category', kind)}: ${site.whole(n)}` }) : '0');

  function speed(summary) {
    const rows = summary.latency.map(([share, least, value, n]) => [t('percentile', { n: share }), known(value) ? site.ms(value) : t('percentile.few', { n: site.whole(n), least: site.whole(least) })]);
    const [input, output] = summary.tokens;
    return site.panel(t('speed'), site.facts([
      ...rows,
      [t('tokens.in'), known(input) ? site.decimal(input, 1) : ''], [t('tokens.out'), known(output) ? site.decimal(output, 1) : ''],
      ...summary.resources.map(([name, ...figures]) => [t(`resource.${name}`), used(name, figures)]),
    ]));
  }

  // A mean and a peak, or one figure.
  const DIGITS = { wall: 1, load: 1, cpu: 1 };
  function used(name, figures) {
    const said = (value) => (name === 'gpu_busy' ? site.percent(value) : site.decimal(value, DIGITS[name] || 0));
    if (figures.length < 2) return t(`used.${name}`, { n: said(figures[0]) });
    return figures.map((value, at) => (known(value) ? t(at ? 'used.most' : 'used.mean', { n: t(`used.${name}`, { n: said(value) }) }) : null)).filter(Boolean).join(', ');
  }

  // Which class is taken for which: gold down, what was said across.
  function confusion(summary) {
    if (!summary.confusion) return null;
    const { gold, said, counts } = summary.confusion;
    const named = (name) => ({ '(no such class)': t('class.none'), '(further classes)': t('class.further'), '(unparsed)': t('class.unparsed') }[name] || name);
    return site.panel(t('classes'), h('p', { class: 'hint' }, t('classes.hint')), site.table({
      caption: t('classes'),
      rowHeader: 'gold',
      rows: gold.map((name, at) => ({ name, counts: counts[at], all: counts[at].reduce((sum, n) => sum + n, 0) })),
      columns: [
        { key: 'gold', label: t('gold'), value: (row) => row.name, cell: (row) => site.said(named(row.name)) },
        ...said.map((name, at) => ({
          key: `c ${name}`, label: named(name), numeric: true, down: true, value: (row) => row.counts[at],
          heat: (row) => ({ style: { '--share': (row.counts[at] / (row.all || 1)).toFixed(3) } }),
          cell: (row) => h(row.name === name ? 'strong' : 'span', {}, site.whole(row.counts[at])),
        })),
        { key: 'all', label: t('samples'), numeric: true, down: true, value: (row) => row.all, cell: (row) => site.whole(row.all) },
      ],
    }));
  }

  function history(summary) {
    const rows = summary.history.slice().reverse();
    const chart = site.timeline(t('history'), summary.history.map((each) => ({ y: (each.score || [])[0], low: (each.score || [])[1], high: (each.score || [])[2] })));
    return site.panel(t('history'), chart, site.table({
      caption: t('history'),
      rows,
      rowHeader: 'number',
      columns: [
        { key: 'number', label: '#', numeric: true, value: (row) => row.number, cell: (row) => site.whole(row.number) },
        { key: 'at', label: t('scored.at'), value: (row) => row.at, cell: (row) => site.when(row.at) },
        { key: 'score', label: summary.headline || t('score'), numeric: true, value: (row) => (row.score || [])[0], cell: (row) => h('strong', {}, site.score((row.score || [])[0])) },
        { key: 'interval', label: t('interval'), cell: (row) => site.interval(...(row.score || [null, null, null]).slice(1, 3)) },
        { key: 'change', label: t('change'), cell: (row) => change(row.change) },
        { key: 'why', label: t('changed.what'), className: 'wide', cell: (row) => (row.change && row.change.reasons ? h('ul', { class: 'plain' }, row.change.reasons.map((each) => h('li', {}, site.reason(each)))) : row.number === 1 ? t('first') : site.nothing) },
      ],
    }));
  }

  function change(found) {
    if (!found) return site.nothing;
    if (found.refused) return site.reason(found.refused);
    const [difference, low, high] = found.difference;
    return [h('strong', {}, site.signed(difference)), known(low) ? ` [${site.signed(low)}; ${site.signed(high)}] ` : ' ', site.named('verdict', found.verdict),
      h('span', { class: 'small block' }, t('flipped', { better: site.whole(found.better), worse: site.whole(found.worse) }))];
  }

  const lineage = (summary) => site.panel(t('made.from'), h('details', {}, h('summary', {}, t('lineage')),
    h('dl', { class: 'lineage' }, summary.lineage.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))))),
  h('p', {}, t('reproduce'), ' ', h('code', {}, summary.command)));

  site.pages.cell = async ([model, name]) => {
    const dataset = site.dataset(name);
    const row = dataset && site.rowOf(dataset, model);
    const board = row && await site.load(`datasets/${name}/board`);
    if (!board || !board.answered.includes(model)) return null;
    const summary = await site.load(`cells/${model}/${name}/summary`);
    const about = site.index.models.find((each) => each.name === model);
    const page = [
      site.head([[t('overview'), []], [name, ['dataset', name]]], `${model} × ${name}`, about && about.about ? site.said(about.about) : null,
        h('p', { class: 'headline' }, row.score === null ? t('no.score') : [h('span', {}, `${summary.headline} `), h('strong', {}, site.score(row.score)),
          known(row.ci_low) ? h('span', {}, ` ${t('interval.95', { interval: site.interval(row.ci_low, row.ci_high) })}`) : null]),
        site.flags(row.flags, row.apart),
        site.facts([
          [t('rank'), known(row.rank) ? t('rank.possible', { rank: row.rank, ranks: site.ranks(row) }) : ''],
          [t('coverage'), site.percent(row.coverage)],
          [t('answers'), site.link(site.count('answers.browse', summary.samples), ['samples', name], { model })],
          [t('read'), summary.read[1] ? t('read.of', { share: site.percent(summary.read[0] / summary.read[1]), n: site.whole(summary.read[0]), of: site.whole(summary.read[1]) }) : ''],
          [t('failed'), site.whole(row.failed)],
          [t('latency'), known(row.median_latency_ms) ? site.ms(row.median_latency_ms) : ''],
          [t('cost.1000'), known(row.cost_per_1000) ? site.cost(row) : ''],
          [t('last.answer'), site.when(summary.answered)],
        ])),
      site.panel(t('scores'), h('p', { class: 'hint' }, t('scores.hint')), scores(summary)),
      breakdown(summary), errors(summary), confusion(summary), statuses(summary), speed(summary), history(summary), lineage(summary),
    ];
    return { title: `${model} × ${name}`, page };
  };
})();
