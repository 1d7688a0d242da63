// Which model leads a dataset or a benchmark: in a sentence, as tiles, and as a benchmark's table.
'use strict';

(() => {
  const { h, t, known } = site;
  const NAMED = 4;

  // Names as people list them, a few of them by name.
  site.listed = (names) => {
    const shown = names.length > NAMED ? [...names.slice(0, NAMED - 1), site.count('more.models', names.length - NAMED + 1)] : names;
    return new Intl.ListFormat(site.language, { type: 'conjunction' }).format(shown);
  };

  site.ranks = (row) => (known(row.rank_low) ? (row.rank_low === row.rank_high ? site.whole(row.rank_low) : `${row.rank_low}–${row.rank_high}`) : site.nothing);
  site.rankCell = (row) => [h('span', {}, site.whole(row.rank)),
    known(row.rank_low) && row.rank_low < row.rank_high ? h('span', { class: 'small block', title: t('ranks.possible.hint') }, h('span', { class: 'unseen' }, `${t('ranks.possible')}: `), site.ranks(row)) : null];
  site.front = (row) => (row.front ? h('span', { class: 'front', title: t('front.hint') }, ' ◆', h('span', { class: 'unseen' }, ` ${t('front')}`)) : null);
  // Mean ranks are read to two digits.
  const figure = (board, value) => (board.by === 'rank' ? site.decimal(value, 2) : site.score(value));
  const ends = (board, row) => (board.by === 'rank' ? `${figure(board, row.ci_low)}–${figure(board, row.ci_high)}` : site.interval(row.ci_low, row.ci_high));
  const what = (board) => ({ mean: () => t('by.mean', { metric: board.metric.name }), rank: () => t('by.rank') }[board.by] || (() => (board.metric ? board.metric.name : t('score'))))();

  // A board is a dataset or a benchmark: {lead, rows, metric, by}.
  site.verdict = (board) => {
    const { lead } = board;
    const row = (model) => board.rows.find((each) => each.model === model);
    const scored = (each) => (known(each.ci_low) ? t('lead.scored', { score: figure(board, each.score), interval: ends(board, each) }) : figure(board, each.score));
    const several = lead.first.length > 1;
    const kind = { leads: several ? 'lead' : 'leads', incomplete: lead.first.length ? 'alone' : 'incomplete' }[lead.kind] || lead.kind;
    const each = (model) => (kind === 'level' ? `${model} (${figure(board, row(model).score)})` : t('lead.each', { model, score: figure(board, row(model).score), ranks: site.ranks(row(model)) }));
    const values = {
      models: site.listed(kind === 'level' ? lead.first.map(each) : lead.first),
      each: several ? site.listed(lead.first.map(each)) : '',
      score: lead.first.length && row(lead.first[0]) ? scored(row(lead.first[0])) : '',
      of: lead.compared < lead.models ? t('lead.of', { n: site.whole(lead.compared) }) : '',
      what: t(board.by && board.by !== 'score' ? 'what.average' : 'what.score'),
      documents: site.count('documents', lead.documents), least: site.whole(lead.least),
    };
    return h('p', { class: 'lead' }, h('strong', {}, t(`lead.${kind}`, values)), t(`lead.${kind}.rest`, values),
      lead.whole.length ? ` ${t('lead.whole', { models: site.listed(lead.whole) })}` : null,
      lead.part.length ? ` ${lead.before.length ? t('lead.behind', { models: site.listed(lead.part), before: site.listed(lead.before) }) : t('lead.part', { models: site.listed(lead.part) })}` : null,
      lead.fastest ? ` ${t('lead.fastest', { model: lead.fastest[0], least: site.ms(lead.fastest[1]), most: site.ms(lead.fastest[2]) })}` : null,
      lead.cheapest ? ` ${t('lead.cheapest', { model: lead.cheapest[0], least: price(board, lead.cheapest[0]), most: dearest(board) })}` : null);
  };

  const price = (board, model) => site.cost(board.rows.find((row) => row.model === model));
  const dearest = (board) => site.cost(board.rows.filter((row) => board.lead.first.includes(row.model)).reduce((one, two) => (two.cost_per_1000 > one.cost_per_1000 ? two : one)));

  site.tiles = (board) => {
    const { lead } = board;
    const first = lead.first.map((model) => board.rows.find((row) => row.model === model));
    if (!first.length || !known(first[0].score)) return null;
    const least = (key) => first.filter((row) => known(row[key])).sort((one, two) => one[key] - two[key])[0];
    const told = ['best', 'leads', 'level'].includes(lead.kind);
    const [quick, cheap] = [least('median_latency_ms'), site.currencies(first).length === 1 ? least('cost_per_1000') : null];
    const tile = (name, value, more) => h('div', {}, h('dt', {}, name), h('dd', {}, value, more ? h('small', {}, more) : null));
    return h('dl', { class: 'tiles' },
      tile(`${what(board)}: ${first[0].model}`, figure(board, first[0].score), known(first[0].ci_low) ? t('interval.95', { interval: ends(board, first[0]) }) : t('no.interval')),
      told ? tile(t('tile.lead'), site.whole(first.length), t('tile.lead.of', { n: site.whole(lead.scored) })) : null,
      quick ? tile(t(told ? 'tile.fastest' : 'latency'), site.ms(quick.median_latency_ms), t('tile.median', { model: quick.model })) : null,
      cheap ? tile(t(told ? 'tile.cheapest' : 'cost.1000'), site.cost(cheap), t('tile.cost', { model: cheap.model })) : null);
  };

  // Why a model has no average.
  function lacks(row) {
    const told = row.lacks.map((name) => {
      const found = site.rowOf(site.dataset(name), row.model);
      const { flags } = found || { flags: {} };
      const why = !found || flags.missing ? t('flag.missing') : found.apart ? t('flag.apart') : flags.limit ? t('flag.limit', { n: site.whole(flags.limit[0]), of: site.whole(flags.limit[1]) }) : t('why.fewer');
      return `${name}: ${why}`;
    });
    return told.length ? h('span', { class: 'small block' }, t('no.average', { why: told.join('; ') })) : null;
  }

  site.averages = (board) => {
    const currencies = site.currencies(board.rows);
    const down = board.metric ? board.metric.higher : board.by !== 'rank';
    const columns = [
      { key: 'model', label: t('model'), value: (row) => row.model, cell: (row) => [row.model, site.front(row)] },
      { key: 'score', label: what(board), title: t(down ? 'higher.better' : 'lower.better'), numeric: true, down, value: (row) => row.score, heat: (row) => (board.by === 'rank' ? {} : site.heat(row.score, board.metric)), cell: (row) => h('strong', {}, figure(board, row.score)) },
      { key: 'interval', label: t('interval'), className: 'span', cell: (row) => (known(row.ci_low) ? [board.by === 'rank' ? null : site.whisker(row.score, row.ci_low, row.ci_high, board.metric), h('span', { class: 'small' }, ends(board, row))] : site.nothing) },
      { key: 'rank', label: t('rank'), numeric: true, value: (row) => row.rank, cell: site.rankCell },
      { key: 'cells', label: t('datasets.scored'), numeric: true, down: true, className: 'lacks', value: (row) => row.cells, cell: (row) => [t('n.of', { n: site.whole(row.cells), of: site.whole(board.datasets.length) }), lacks(row)] },
      { key: 'latency', label: t('latency.ms'), numeric: true, value: (row) => row.median_latency_ms, cell: (row) => site.latency(row.median_latency_ms) },
      // Figures of several currencies have no order.
      ...(currencies.length ? [{ key: 'cost', label: t('cost.1000'), numeric: true, value: currencies.length > 1 ? null : (row) => row.cost_per_1000, cell: site.cost }] : []),
    ];
    return [site.table({ caption: t('average.of', { name: board.name }), columns, rows: board.rows, rowHeader: 'model', className: 'board' }),
      h('p', { class: 'hint' }, t(`average.hint.${board.by}`))];
  };
})();
