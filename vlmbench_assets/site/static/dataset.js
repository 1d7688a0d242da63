// A dataset: its leaderboard, its slices, its models two by two.
'use strict';

(() => {
  const { h, t, known } = site;

  site.currencies = (rows) => [...new Set(rows.filter((row) => row.cost_per_1000 > 0).map((row) => row.currency))];
  site.cost = (row) => (row.cost_per_1000 > 0 ? `${site.decimal(row.cost_per_1000, 2)} ${row.currency}`.trim() : site.decimal(row.cost_per_1000, 2));

  function leaderboard(dataset, board) {
    const { metric } = dataset;
    const currencies = site.currencies(dataset.rows);
    const down = metric ? metric.higher : true;
    const columns = [
      { key: 'model', label: t('model'), value: (row) => row.model, cell: (row) => [
        board.answered.includes(row.model) ? site.link(row.model, ['cell', row.model, dataset.name]) : row.model,
        site.front(row), site.mark(row.flags, row.apart)] },
      { key: 'score', label: metric ? metric.name : t('score'), numeric: true, down, value: (row) => row.score, heat: (row) => site.heat(row.score, metric), cell: (row) => h('strong', {}, site.score(row.score)) },
      { key: 'interval', label: t('interval'), className: 'span', cell: (row) => site.bounds(row.score, row.ci_low, row.ci_high, metric, dataset.documents) },
      { key: 'rank', label: t('rank'), numeric: true, value: (row) => row.rank, cell: site.rankCell },
      ...(dataset.rows.some((row) => row.change) ? [{ key: 'change', label: t('since.last'), title: t('since.last.hint'), numeric: true, down: true, value: (row) => (row.change ? row.change[0] : null), cell: (row) => (row.change ? [h('span', { class: 'change' }, site.signed(row.change[0])), h('span', { class: 'small block' }, site.named('verdict', row.change[1]))] : site.nothing) }] : []),
      { key: 'coverage', label: t('coverage'), numeric: true, down: true, value: (row) => row.coverage, cell: (row) => site.percent(row.coverage) },
      { key: 'latency', label: t('latency.ms'), numeric: true, value: (row) => row.median_latency_ms, cell: (row) => site.latency(row.median_latency_ms) },
      // Figures of several currencies have no order.
      ...(currencies.length ? [{ key: 'cost', label: t('cost.1000'), numeric: true, value: currencies.length > 1 ? null : (row) => row.cost_per_1000, cell: site.cost }] : []),
      { key: 'samples', label: t('samples'), numeric: true, down: true, className: 'aside', value: (row) => row.samples, cell: (row) => site.whole(row.samples) },
      { key: 'failed', label: t('failed'), numeric: true, className: 'aside', value: (row) => row.failed, cell: (row) => site.whole(row.failed) },
      ...dataset.metrics.map((each, at) => [each, at]).filter(([, at]) => dataset.rows.some((row) => known(row.others[at]))).map(([each, at]) => ({ key: `m ${each.name}`, label: each.name, title: t(each.higher ? 'higher.better' : 'lower.better'), numeric: true, down: each.higher, value: (row) => row.others[at], cell: (row) => site.score(row.others[at]) })),
    ];
    return [site.table({ caption: t('leaderboard'), columns, rows: dataset.rows, sort: ['rank', false], filter: (row) => row.model, rowHeader: 'model', className: 'board' }), site.notes(dataset.rows)];
  }

  site.charts = (dataset) => {
    const points = dataset.rows.map((row) => ({ name: row.model, y: row.score, low: row.ci_low, high: row.ci_high, strong: row.front, row }));
    const metric = dataset.metric ? dataset.metric.name : t('score');
    const latency = site.scatter({ label: t('chart.latency', { metric }), x: t('latency.ms.log'), y: metric, log: true, points: points.map((each) => ({ ...each, x: each.row.median_latency_ms })) });
    // Amounts of several currencies have no axis in common.
    const [currency, ...others] = site.currencies(dataset.rows);
    const cost = currency !== undefined && !others.length
      ? site.scatter({ label: t('chart.cost', { metric }), x: [t('cost.1000'), currency].filter(Boolean).join(', '), y: metric, points: points.map((each) => ({ ...each, x: each.row.cost_per_1000 })) }) : null;
    return latency || cost ? site.panel(t('charts'), h('div', { class: 'figures' }, latency, cost), h('p', { class: 'hint' }, t('charts.hint'))) : null;
  };

  function sliced(dataset, board) {
    if (!board.slices.length) return null;
    const box = h('div');
    const draw = (name) => {
      const groups = (board.slices.find(([dimension]) => dimension === name) || board.slices[0])[1];
      const best = groups.map(([, values]) => bestOf(values, dataset.metric));
      const most = groups.map(([, , counts]) => Math.max(...counts));
      box.replaceChildren(site.table({
        caption: t('by', { dimension: site.dimension(name) }),
        rowHeader: 'group',
        rows: groups.map((group, at) => ({ group, best: best[at], most: most[at] })),
        columns: [
          { key: 'group', label: site.dimension(name), value: ({ group }) => group[0], cell: ({ group }) => site.said(site.group(name, group[0])) },
          { key: 'n', label: t('samples'), numeric: true, down: true, value: ({ most: n }) => n, cell: ({ most: n }) => site.whole(n) },
          ...board.models.map((model, at) => ({
            key: `m ${model}`, label: model, numeric: true, down: dataset.metric.higher,
            value: ({ group }) => group[1][at],
            heat: ({ group }) => site.heat(group[1][at], dataset.metric),
            // Where a model was asked fewer samples than others, its score is of those.
            cell: ({ group, best: first, most: n }) => [h(first === group[1][at] && known(first) ? 'strong' : 'span', {}, site.score(group[1][at])),
              known(group[2][at]) && group[2][at] < n ? h('span', { class: 'small' }, `n=${site.whole(group[2][at])}`) : null],
          })),
        ],
      }));
    };
    const names = board.slices.map(([dimension]) => [dimension, site.dimension(dimension)]);
    draw(names[0][0]);
    return site.panel(t('slices'), h('div', { class: 'controls' }, site.select(t('dimension'), names, names[0][0], draw)), box, h('p', { class: 'hint' }, t('slices.hint')));
  }

  function bestOf(values, metric) {
    const found = values.filter(known);
    return found.length ? (metric.higher ? Math.max : Math.min)(...found) : null;
  }

  site.chooser = (dataset, models, [one, two], ...more) => {
    if (models.length < 2) return null;
    const options = models.map((model) => [model, model]);
    const go = h('button', { type: 'button', onclick: () => { location.hash = site.href(['compare', one, two, dataset.name]); } }, t('compare'));
    return h('div', { class: 'controls' }, site.select(t('model.first'), options, one, (value) => { one = value; }), site.select(t('model.second'), options, two, (value) => { two = value; }), go, more);
  };

  async function compared(dataset, board) {
    if (board.models.length < 2) return null;
    const found = await site.load(`datasets/${dataset.name}/pairs`);
    const pairs = new Map(found.map((each) => [`${each.first}\n${each.second}`, each]));
    const columns = [
      { key: 'model', label: t('pair.row'), value: (model) => model, cell: (model) => model },
      ...board.models.map((other) => ({ key: `m ${other}`, label: other, numeric: true, cell: (model) => against(dataset, board, pairs, model, other) })),
    ];
    return site.panel(t('pairs'), site.chooser(dataset, board.models, board.models), h('p', { class: 'hint' }, t('pairs.hint'), dataset.rows.some((row) => row.apart) ? ` ${t('pairs.apart')}` : null),
      site.table({ caption: t('pairs'), columns, rows: board.models, rowHeader: 'model', className: 'pairs' }));
  }

  // What was scored on other samples or references than the rest can be held against what was scored on the same.
  function apart(dataset, board, models) {
    const [one, two] = models.map((model) => board.gold[board.models.indexOf(model)]);
    return one === two ? '' : models.map((model) => site.rowOf(dataset, model).apart).find(Boolean) || '';
  }

  function against(dataset, board, pairs, model, other) {
    if (model === other) return h('span', { class: 'nothing' }, '·');
    const why = apart(dataset, board, [model, other]);
    if (why) return site.link([t('flag.apart'), h('span', { class: 'unseen' }, ': ', site.reason(why))], ['compare', model, other, dataset.name], {}, { class: 'nothing', title: site.translated(why) ?? why });
    const straight = pairs.get(`${other}\n${model}`);
    const pair = straight || pairs.get(`${model}\n${other}`);
    if (!pair || pair.refused) return site.link(t('not.compared'), ['compare', model, other, dataset.name], {}, { class: 'nothing' });
    const [verdict] = pair.overall.slice(-1);
    const told = verdict === 'better' || verdict === 'worse';
    const difference = known(pair.overall[4]) ? (straight ? 1 : -1) * pair.overall[4] : null;
    const wins = told && (straight ? verdict === 'better' : verdict === 'worse');
    return site.link([site.signed(difference), h('span', { class: 'unseen' }, ` ${site.named('verdict', straight ? verdict : turned(verdict))}`)], ['compare', model, other, dataset.name], {},
      { class: told ? (wins ? 'win' : 'loss') : 'tie', title: site.named('verdict', straight ? verdict : turned(verdict)) });
  }

  const turned = (verdict) => ({ better: 'worse', worse: 'better' })[verdict] || verdict;
  site.turned = turned;

  site.pages.dataset = async ([name]) => {
    const dataset = site.dataset(name);
    if (!dataset) return null;
    const board = await site.load(`datasets/${name}/board`);
    const page = [
      site.head([[t('overview'), []]], name, dataset.about ? site.said(dataset.about) : null,
        site.facts([
          [t('ranked.by'), dataset.metric ? site.direction(dataset.metric) : ''],
          [t('samples'), dataset.samples ? site.link(t('samples.browse', { n: site.whole(dataset.samples) }), ['samples', name]) : ''],
          [t('documents'), site.whole(dataset.documents)],
          [t('licence'), dataset.licence], [t('citation'), dataset.citation],
        ])),
      site.panel(t('leaderboard'), site.verdict(dataset), site.tiles(dataset), leaderboard(dataset, board), h('p', { class: 'hint' }, t('leaderboard.hint'))),
      site.charts(dataset),
      dataset.metric ? sliced(dataset, board) : null,
      await compared(dataset, board),
    ];
    return { title: name, page };
  };
})();
