// The first page: every model on every dataset of each benchmark.
'use strict';

(() => {
  const { h, t, known } = site;

  // The models of a benchmark on its datasets, as a heat table.
  function matrix(title, models, datasets) {
    const rows = models.map((model) => ({ model, cells: new Map(datasets.map((dataset) => [dataset.name, site.rowOf(dataset, model)])) }))
      .filter((row) => [...row.cells.values()].some(Boolean));
    const columns = [
      { key: 'model', label: t('model'), value: (row) => row.model, cell: (row) => row.model },
      ...datasets.map((dataset) => ({
        key: `d ${dataset.name}`,
        label: dataset.name,
        below: site.link(t('leaderboard'), ['dataset', dataset.name], {}, { class: 'small', 'aria-label': `${t('leaderboard')}: ${dataset.name}` }),
        numeric: true,
        down: dataset.metric ? dataset.metric.higher : true,
        value: (row) => (row.cells.get(dataset.name) || {}).score,
        heat: (row) => site.heat((row.cells.get(dataset.name) || {}).score, dataset.metric),
        cell: (row) => cell(row.model, dataset, row.cells.get(dataset.name)),
      })),
    ];
    return site.table({ caption: title, columns, rows, rowHeader: 'model', className: 'matrix', filter: (row) => row.model });
  }

  function cell(model, dataset, row) {
    if (!row) return h('span', { class: 'nothing' }, t('not.in.benchmark'));
    if (row.flags.unreadable) return h('span', { class: 'nothing', title: row.flags.unreadable }, t('flag.unreadable'));
    if (row.flags.missing && !known(row.samples)) return h('span', { class: 'nothing' }, t('flag.missing'));
    return h('a', { class: 'cell', href: site.href(['cell', model, dataset.name]) },
      h('span', { class: 'unseen' }, t('cell.label', { model, dataset: dataset.name })),
      h('strong', {}, site.score(row.score)),
      h('span', { class: 'small' }, site.interval(row.ci_low, row.ci_high)),
      row.coverage !== 1 && known(row.coverage) ? h('span', { class: 'small' }, t('covered', { share: site.percent(row.coverage) })) : null,
      row.change && ['better', 'worse'].includes(row.change[1]) ? h('span', { class: 'small' }, t(row.change[1] === 'better' ? 'better.than.before' : 'worse.than.before', { difference: site.signed(row.change[0]) })) : null,
      site.mark(row.flags, row.apart));
  }

  function datasets(list) {
    return site.table({
      caption: t('datasets'),
      rows: list,
      rowHeader: 'name',
      filter: (each) => `${each.name} ${each.about}`,
      columns: [
        { key: 'name', label: t('dataset'), value: (each) => each.name, cell: (each) => site.link(each.name, ['dataset', each.name]) },
        { key: 'about', label: t('about'), className: 'prose', cell: (each) => site.said(each.about) },
        { key: 'metric', label: t('ranked.by'), value: (each) => (each.metric ? each.metric.name : ''), cell: (each) => (each.metric ? direction(each.metric) : site.nothing) },
        { key: 'best', label: t('leader'), cell: (each) => leader(each) },
        { key: 'samples', label: t('samples'), numeric: true, down: true, value: (each) => each.samples, cell: (each) => site.link(site.whole(each.samples), ['samples', each.name], {}, { 'aria-label': t('samples.of', { dataset: each.name }) }) },
        { key: 'documents', label: t('documents'), numeric: true, down: true, value: (each) => each.documents, cell: (each) => site.whole(each.documents) },
        { key: 'licence', label: t('licence'), value: (each) => each.licence, cell: (each) => each.licence || site.nothing },
      ],
    });
  }

  const direction = (metric) => h('span', { title: t(metric.higher ? 'higher.better' : 'lower.better') }, site.broken(metric.name), metric.higher ? '\u00a0↑' : '\u00a0↓',
    h('span', { class: 'unseen' }, ` (${t(metric.higher ? 'higher.better' : 'lower.better')})`));
  site.direction = direction;

  // One that nothing can be held against is ahead of nobody.
  function leader({ lead }) {
    const [first, ...also] = ['one', 'best', 'leads', 'level'].includes(lead.kind) ? lead.first : [];
    if (!first) return site.nothing;
    return [first, also.length ? h('span', { class: 'small' }, ` ${site.count('also', also.length)}`) : null];
  }

  site.pages.overview = async () => {
    const { index } = site;
    const inside = new Set(index.benchmarks.flatMap((each) => each.datasets));
    const rest = index.datasets.filter((each) => !inside.has(each.name));
    const answers = index.datasets.reduce((sum, each) => sum + each.rows.reduce((all, row) => all + (row.samples || 0), 0), 0);
    const page = [site.head([], t('overview'), null, site.facts([
      [t('models'), site.whole(index.models.length)],
      [t('datasets'), site.whole(index.datasets.length)],
      [t('answers'), site.whole(answers)],
      [t('last.answer'), index.answered ? site.when(index.answered) : ''],
    ]))];
    for (const each of index.benchmarks) {
      page.push(site.panel(t('benchmark.of', { name: each.name }), each.about ? h('p', { class: 'about' }, site.said(each.about)) : null,
        site.verdict(each), site.averages(each),
        h('h3', {}, t('matrix')), h('p', { class: 'hint' }, t('matrix.hint')),
        matrix(each.name, each.models, each.datasets.map(site.dataset))));
    }
    if (rest.length) page.push(site.panel(t(index.benchmarks.length ? 'others' : 'scores'), matrix(t('others'), index.models.map((each) => each.name), rest)));
    page.push(site.panel(t('datasets'), datasets(index.datasets)));
    if (index.orphans.length) {
      page.push(site.panel(t('orphans'), h('ul', {}, index.orphans.map(([model, dataset, reason]) => h('li', {}, `${model} × ${dataset}: `, site.english(reason))))));
    }
    return { title: t('overview'), page };
  };
})();
