// Two models on one dataset, sample by sample.
'use strict';

(() => {
  const { h, t, known } = site;
  const PAGE = 50;

  // The pair as it was compared, seen from the first model of the address.
  function turned(found, one) {
    if (!found || found.refused || found.first === one) return found;
    const back = (each) => {
      const [samples, documents, first, second, difference, low, high, p, holm, mde, wins, ties, losses, verdict] = each;
      const minus = (value) => (known(value) ? -value : value);
      return [samples, documents, second, first, minus(difference), minus(high), minus(low), p, holm, mde, losses, ties, wins, site.turned(verdict)];
    };
    const [asked, asked2, scored, scored2, changed] = found.left_out;
    return { ...found, overall: back(found.overall), slices: found.slices.map(([dimension, group, each]) => [dimension, group, back(each)]), left_out: [asked2, asked, scored2, scored, changed] };
  }

  // What must be known of either model before their difference is believed.
  function concerns(dataset, models) {
    const found = models.map((model) => {
      const row = site.rowOf(dataset, model);
      const flags = row && site.flags(row.flags, row.apart);
      return flags ? h('div', { class: 'concerns' }, h('p', { class: 'small' }, site.link(model, ['cell', model, dataset.name])), flags) : null;
    });
    return found.some(Boolean) ? site.panel(t('notes'), found) : null;
  }

  function summary(dataset, found, one, two) {
    if (!found) return h('p', {}, t('not.compared'));
    if (found.refused) return h('p', {}, t('not.compared'), ': ', site.reason(found.refused));
    const [samples, documents, first, second, difference, low, high, p, holm, mde, wins, ties, losses, verdict] = found.overall;
    const left = found.left_out.map((n, at) => [n, at]).filter(([n]) => n).map(([n, at]) => t(['left.first', 'left.second', 'left.scored.first', 'left.scored.second', 'left.changed'][at], { n: site.whole(n), one, two }));
    return [
      h('p', { class: 'headline' }, h('strong', {}, known(difference) ? site.signed(difference) : t('no.score')),
        known(low) ? ` ${t('interval.95', { interval: `${site.signed(low)} … ${site.signed(high)}` })}` : '', ' — ', h('span', { class: `verdict ${verdict === 'better' ? 'win' : verdict === 'worse' ? 'loss' : 'tie'}` }, site.named('verdict', verdict))),
      h('p', { class: 'hint' }, t('compare.hint', { one, two, metric: dataset.metric.name })),
      site.bar(t('wins.ties.losses'), [[t('wins', { model: two }), wins, 'fill-win'], [t('ties'), ties, 'fill-tie'], [t('wins', { model: one }), losses, 'fill-loss']]),
      site.facts([
        [one, site.score(first)], [two, site.score(second)],
        [t('wins', { model: two }), site.whole(wins)], [t('ties'), site.whole(ties)], [t('wins', { model: one }), site.whole(losses)],
        [t('samples'), site.whole(samples)], [t('documents'), site.whole(documents)],
        ['p', site.p(p)], [t('p.holm'), site.p(holm)], [t('mde'), site.score(mde)],
      ]),
      left.length ? h('p', { class: 'hint' }, `${t('left.out')}: ${left.join('; ')}`) : null,
    ];
  }

  function slices(found) {
    if (!found || found.refused || !found.slices.length) return null;
    return site.panel(t('slices'), h('p', { class: 'hint' }, t('pair.slices.hint')), site.table({
      caption: t('slices'),
      rowHeader: 'group',
      rows: found.slices,
      columns: [
        { key: 'group', label: t('group'), value: (row) => row[1], cell: (row) => site.said(site.group(row[0], row[1])) },
        { key: 'dimension', label: t('dimension'), value: (row) => row[0], cell: (row) => site.dimension(row[0]) },
        { key: 'n', label: t('samples'), numeric: true, down: true, value: (row) => row[2][0], cell: (row) => site.whole(row[2][0]) },
        { key: 'change', label: t('difference'), numeric: true, down: true, value: (row) => row[2][4], cell: (row) => h('strong', {}, site.signed(row[2][4])) },
        { key: 'p', label: t('p.holm'), numeric: true, value: (row) => row[2][8], cell: (row) => site.p(row[2][8]) },
        { key: 'wins', label: t('wins.ties.losses'), numeric: true, cell: (row) => `${row[2][10]} / ${row[2][11]} / ${row[2][12]}` },
        { key: 'verdict', label: t('verdict'), value: (row) => row[2][13], cell: (row) => site.named('verdict', row[2][13]) },
      ],
    }));
  }

  function rowsOf(dataset, samples, one, two, query) {
    const better = dataset.metric.higher ? 1 : -1;
    const words = (query.text || '').toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const field = query.field ? samples.field.texts.indexOf(query.field) : -1;
    const found = [];
    for (let row = 0; row < samples.count; row += 1) {
      if (!one.has(row) || !two.has(row) || (query.field && samples.field.at[row] !== field)) continue;
      const [a, b] = [one.scoreOf(row), two.scoreOf(row)];
      if (!known(a) || !known(b)) continue;
      const by = better * (b - a);
      const show = query.show || 'differ';
      if (show === 'differ' && !by || show === 'second' && by <= 0 || show === 'first' && by >= 0 || show === 'same' && by) continue;
      if (words.length && !words.every((word) => `${samples.id[row]}\n${samples.get('question', row)}\n${samples.references[row].join('\n')}\n${one.answerOf(row)}\n${two.answerOf(row)}`.toLocaleLowerCase().includes(word))) continue;
      found.push([row, by]);
    }
    return found.sort(([i, a], [j, b]) => Math.abs(b) - Math.abs(a) || i - j);
  }

  const answer = (samples, each, row, metric) => [
    h('td', { class: 'text' }, each.answerOf(row) ? site.marked((site.nearest(samples.references[row], each.answerOf(row)) ?? each.answerOf(row)).slice(0, 160), each.answerOf(row).slice(0, 160), true) : site.status(each.statusOf(row))),
    h('td', { class: 'number heat', ...site.heat(each.scoreOf(row), metric) }, site.score(each.scoreOf(row))),
  ];

  function list(dataset, samples, one, two, query) {
    const box = h('div');
    const draw = () => {
      const rows = rowsOf(dataset, samples, one, two, query);
      const pages = Math.max(1, Math.ceil(rows.length / PAGE));
      const page = Math.min(pages, Math.max(1, Number(query.page) || 1));
      box.replaceChildren(h('p', { class: 'hint', id: 'found' }, site.count('found', rows.length)),
        site.scroll(t('table.of', { caption: t('samples') }), h('table', { class: 'samples' },
          h('caption', { class: 'unseen' }, t('samples')),
          h('thead', {}, h('tr', {}, [t('picture'), t('sample'), t('question.gold'), one.model, t('score'), two.model, t('score')].map((each) => h('th', { scope: 'col' }, each)))),
          h('tbody', {}, rows.slice((page - 1) * PAGE, page * PAGE).map(([row]) => {
            const link = site.href(['sample', dataset.name, samples.id[row]]);
            return h('tr', {}, h('td', { class: 'picture' }, h('a', { href: link, tabindex: '-1', 'aria-hidden': 'true' }, site.picture(samples.pictures(row)[0], '', true))),
              h('th', { scope: 'row' }, h('a', { href: link, class: 'open' }, samples.id[row])),
              h('td', { class: 'text' }, site.said(samples.get('question', row), { class: 'small block clip' }), h('span', { class: 'gold' }, site.references(samples.references[row]))),
              answer(samples, one, row, dataset.metric), answer(samples, two, row, dataset.metric));
          })))),
        site.pager(page, pages, (to) => { query.page = String(to); keep(); draw(); box.scrollIntoView(); }) || '');
      site.announce(site.count('found', rows.length));
    };
    const keep = () => site.remember(['compare', one.model, two.model, dataset.name], query);
    const change = (key) => (value) => { query[key] = value; query.page = ''; keep(); draw(); };
    draw();
    const shown = [['differ', t('show.differ')], ['first', t('wins', { model: one.model })], ['second', t('wins', { model: two.model })], ['same', t('ties')], ['all', t('all')]];
    const fields = samples.field.texts.length > 1 ? site.select(site.named('dimension', 'field'), [['', t('all')], ...samples.field.texts.map((each) => [each, each || t('none')])], query.field || '', change('field')) : null;
    return site.panel(t('samples'), h('div', { class: 'controls' }, site.select(t('show'), shown, query.show || 'differ', change('show')), fields, site.search(t('search.samples'), query.text || '', change('text'))), box);
  }

  site.pages.compare = async ([one, two, name], asked) => {
    const dataset = site.dataset(name);
    const board = dataset && await site.load(`datasets/${name}/board`);
    if (!board || !board.models.includes(one) || !board.models.includes(two) || one === two) return null;
    const [pairs, samples, first, second] = await Promise.all([site.load(`datasets/${name}/pairs`), site.samples(name), site.answers(one, name), site.answers(two, name)]);
    const found = turned(pairs.find((each) => [each.first, each.second].includes(one) && [each.first, each.second].includes(two)), one);
    const page = [
      site.head([[t('overview'), []], [name, ['dataset', name]]], `${one} → ${two}`, null,
        site.chooser(dataset, board.models, [one, two], h('button', { type: 'button', onclick: () => { location.hash = site.href(['compare', two, one, name]); } }, `⇄ ${t('swap')}`))),
      concerns(dataset, [one, two]), site.panel(t('difference'), summary(dataset, found, one, two)), slices(found), list(dataset, samples, first, second, { ...asked }),
    ];
    return { title: `${one} → ${two} · ${name}`, page: page.filter(Boolean) };
  };
})();
