// The samples of a dataset: filtered, worst first, a page at a time.
'use strict';

(() => {
  const { h, t, known } = site;
  const PAGE = 50;
  const COLUMNS = ['field', 'doc_type', 'subset', 'language', 'split'];
  const DRAWN = 160;

  // Which samples a query asks for, in order; the pages of samples step through the same.
  site.chosen = (dataset, samples, answers, query) => {
    const { metric } = dataset;
    const columns = COLUMNS.filter((name) => name in query && query[name] !== '').map((name) => [samples[name], samples[name].texts.indexOf(query[name])]);
    const words = (query.text || '').toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (let row = 0; row < samples.count; row += 1) {
      if (columns.some(([column, code]) => column.at[row] !== code)) continue;
      const said = answers.filter((each) => each.has(row));
      if (query.model && !said.length) continue;
      if (query.status && !said.some((each) => each.statusOf(row) === query.status)) continue;
      if (query.category && !said.some((each) => each.categoryOf(row) === query.category)) continue;
      if (words.length) {
        const text = [samples.id[row], samples.get('question', row), ...samples.references[row], ...said.map((each) => each.answerOf(row))].join('\n').toLocaleLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
      }
      const bad = said.map((each) => site.badness(each.scoreOf(row), metric)).filter(known);
      found.push([row, bad.length ? bad.reduce((sum, each) => sum + each, 0) / bad.length : null]);
    }
    const sort = query.sort || 'worst';
    if (sort !== 'order') {
      found.sort(([i, a], [j, b]) => (known(a) && known(b) ? (sort === 'worst' ? b - a : a - b) || i - j : known(b) - known(a) || i - j));
    }
    return found.map(([row]) => row);
  };

  site.askedFor = async (name, query) => {
    const board = await site.load(`datasets/${name}/board`);
    const models = query.model && board.answered.includes(query.model) ? [query.model] : board.answered;
    const [samples, ...answers] = await Promise.all([site.samples(name), ...models.map((model) => site.answers(model, name))]);
    return { board, samples, answers };
  };

  site.references = (list) => (list.length ? list.map((each) => (each === '' ? h('em', {}, t('absent')) : site.said(each, { class: 'clip' }))) : h('em', {}, t('no.gold')));

  function line(dataset, samples, answers, row, query, place) {
    const link = site.href(['sample', dataset.name, samples.id[row]], { ...query, page: '' });
    const [picture] = samples.pictures(row);
    const one = answers.length === 1 ? answers[0] : null;
    return h('tr', {},
      h('td', { class: 'picture' }, picture ? h('a', { href: link, tabindex: '-1', 'aria-hidden': 'true' }, site.picture(picture, '', true)) : null),
      h('th', { scope: 'row' }, h('a', { href: link, class: 'open', 'data-place': place }, samples.id[row]),
        h('span', { class: 'small block' }, [samples.get('field', row), samples.get('doc_type', row), samples.get('subset', row)].filter(Boolean).join(' · '))),
      h('td', { class: 'text' }, site.said(samples.get('question', row), { class: 'small block clip' }), h('span', { class: 'gold' }, site.references(samples.references[row]))),
      one ? [
        h('td', { class: 'text' }, one.answerOf(row) ? marked(samples.references[row], one.answerOf(row)) : h('em', {}, t('no.answer'))),
        h('td', {}, one.statusOf(row) === 'ok' ? site.category(one.categoryOf(row)) : site.status(one.statusOf(row))),
        h('td', { class: 'number heat', ...site.heat(one.scoreOf(row), dataset.metric) }, site.score(one.scoreOf(row))),
      ] : [
        h('td', { class: 'text', colspan: 2 }, h('ul', { class: 'models' }, answers.filter((each) => each.has(row)).map((each) => h('li', {},
          h('span', { class: 'who' }, each.model), ' ', each.answerOf(row) ? site.said(each.answerOf(row).slice(0, DRAWN), { class: 'clip' }) : site.status(each.statusOf(row)))))),
        h('td', { class: 'number' }, h('ul', { class: 'models' }, answers.filter((each) => each.has(row)).map((each) => h('li', { class: 'heat', ...site.heat(each.scoreOf(row), dataset.metric) }, h('span', { class: 'unseen' }, `${each.model} `), site.score(each.scoreOf(row)))))),
      ]);
  }

  // In a list a short text is drawn with its differences, a long one as it is.
  function marked(references, answer) {
    if (!references.length || answer.length > DRAWN) return site.said(answer, { class: 'clip' });
    return site.marked((site.nearest(references, answer) ?? '').slice(0, DRAWN), answer, true);
  }

  function controls(samples, board, answers, query, change) {
    const any = [['', t('all')]];
    const values = (column) => [...samples[column].texts].sort((a, b) => a.localeCompare(b, site.language, { numeric: true }));
    const codes = (name) => [...new Set(answers.flatMap((each) => each[name].texts))].filter(Boolean).sort();
    return h('div', { class: 'controls', role: 'search' },
      site.select(t('model'), [...any, ...board.answered.map((each) => [each, each])], query.model || '', (value) => change('model', value, true)),
      COLUMNS.filter((name) => samples[name].texts.length > 1).map((name) => site.select(site.named('dimension', name), [...any, ...values(name).map((each) => [each, each || t('none')])], query[name] || '', (value) => change(name, value))),
      site.select(t('category'), [...any, ...codes('category').map((each) => [each, site.named('category', each)])], query.category || '', (value) => change('category', value)),
      site.select(t('status'), [...any, ...codes('status').map((each) => [each, site.named('status', each)])], query.status || '', (value) => change('status', value)),
      site.select(t('order'), [['worst', t('worst.first')], ['best', t('best.first')], ['order', t('as.read')]], query.sort || 'worst', (value) => change('sort', value)),
      site.search(t('search.samples'), query.text || '', (value) => change('text', value)));
  }

  site.pager = (page, pages, go) => (pages < 2 ? null : h('nav', { class: 'pager', 'aria-label': t('pages') },
    h('button', { type: 'button', disabled: page <= 1, onclick: () => go(page - 1) }, `← ${t('previous')}`),
    h('span', {}, t('page.of', { page: site.whole(page), pages: site.whole(pages) })),
    h('button', { type: 'button', disabled: page >= pages, onclick: () => go(page + 1) }, `${t('next')} →`)));

  // The address says what is shown, without a step in the browser's history for each letter.
  site.remember = (parts, query) => history.replaceState(null, '', site.href(parts, query));

  site.pages.samples = async ([name], asked) => {
    const dataset = site.dataset(name);
    if (!dataset || !dataset.samples) return null;
    const query = { ...asked };
    const { board, samples, answers } = await site.askedFor(name, query);
    const list = h('div');
    const draw = (moved) => {
      const rows = site.chosen(dataset, samples, answers, query);
      const pages = Math.max(1, Math.ceil(rows.length / PAGE));
      const page = Math.min(pages, Math.max(1, Number(query.page) || 1));
      const go = (to) => { query.page = to > 1 ? String(to) : ''; site.remember(['samples', name], query); draw(true); };
      const shown = rows.slice((page - 1) * PAGE, page * PAGE);
      const score = dataset.metric ? dataset.metric.name : t('score');
      list.replaceChildren(
        h('p', { class: 'hint', id: 'found' }, site.count('found', rows.length)),
        site.scroll(t('table.of', { caption: t('samples') }), h('table', { class: 'samples' },
          h('caption', { class: 'unseen' }, t('samples.of', { dataset: name })),
          h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('picture')), h('th', { scope: 'col' }, t('sample')), h('th', { scope: 'col' }, t('question.gold')),
            h('th', { scope: 'col', colspan: answers.length === 1 ? null : 2 }, t('answer')), answers.length === 1 ? h('th', { scope: 'col' }, t('category')) : null, h('th', { scope: 'col', class: 'number' }, score))),
          h('tbody', {}, shown.map((row, at) => line(dataset, samples, answers, row, query, at))))),
        site.pager(page, pages, go) || '');
      if (moved) { list.querySelector('.scroll').focus({ preventScroll: true }); list.scrollIntoView(); }
      site.announce(site.count('found', rows.length));
    };
    const change = (key, value, anew) => {
      query[key] = value;
      query.page = '';
      site.remember(['samples', name], query);
      // The page is made anew; who chose by keyboard goes on from there.
      if (anew) site.show().then(() => document.querySelector('main .controls select').focus());
      else draw();
    };
    list.addEventListener('keydown', (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !event.target.matches('a.open')) return;
      const next = list.querySelector(`a.open[data-place="${Number(event.target.dataset.place) + step}"]`);
      if (next) { next.focus(); event.preventDefault(); }
    });
    draw();
    const page = [
      site.head([[t('overview'), []], [name, ['dataset', name]]], t('samples.of', { dataset: name }), null),
      h('section', { class: 'panel', 'aria-label': t('samples') }, controls(samples, board, answers, query, change), list),
    ];
    return { title: t('samples.of', { dataset: name }), page };
  };
})();
