// One sample: its pictures, what was asked and expected, and what each model said.
'use strict';

(() => {
  const { h, t, known } = site;

  function pictures(samples, row) {
    const names = samples.pictures(row);
    if (!names.length) return h('p', { class: 'nothing' }, t(site.index.images === 'none' ? 'pictures.left.out' : 'no.picture'));
    return names.map((name, at) => {
      const alt = t('picture.alt', { doc: samples.get('doc_id', row), page: site.whole(at + 1), pages: site.whole(names.length) });
      const shown = site.picture(name, alt);
      return h('figure', {}, shown.tagName === 'IMG' ? h('a', { href: shown.getAttribute('src'), target: '_blank', rel: 'noopener', title: t('picture.open') }, shown) : shown,
        names.length > 1 ? h('figcaption', {}, t('page.of', { page: site.whole(at + 1), pages: site.whole(names.length) })) : null);
    });
  }

  async function answer(dataset, samples, answers, row, references) {
    const at = answers.at(row);
    const model = site.link(answers.model, ['cell', answers.model, dataset.name]);
    if (at === undefined) return h('article', { class: 'answer' }, h('h3', {}, model), h('p', { class: 'nothing' }, t('not.asked')));
    const whole = await site.wholeTexts(answers, row);
    const said = whole.answer ?? answers.answerOf(row);
    const error = whole.error ?? answers.errorOf(row);
    const gold = references.length ? site.nearest(references, said) : null;
    const score = answers.score[at];
    return h('article', { class: 'answer' },
      h('h3', {}, model, h('span', { class: 'heat score', ...site.heat(score, dataset.metric) }, site.score(score)),
        answers.categoryOf(row) && answers.categoryOf(row) !== 'failed' ? site.category(answers.categoryOf(row)) : null,
        answers.statusOf(row) === 'ok' ? null : site.status(answers.statusOf(row))),
      said ? h('pre', { class: 'said', dir: 'auto', tabindex: said.length > 400 ? '0' : null }, said) : h('p', { class: 'nothing' }, t('no.answer')),
      error ? h('p', { class: 'error' }, site.reason(error)) : null,
      gold !== null && gold !== said ? h('p', { class: 'compared' }, h('span', { class: 'small' }, `${t('diff')}: `), site.marked(gold, said)) : null,
      gold !== null && gold === said ? h('p', { class: 'small' }, t('letter.for.letter')) : null,
      h('p', { class: 'small' }, [
        ...answers.metrics.map((name, index) => `${name} ${site.score(answers.values[index][at])}`),
        known(answers.latency[at]) ? site.ms(answers.latency[at]) : '',
        known(answers.tokens[1][at]) ? site.count('tokens', answers.tokens[1][at]) : '',
      ].filter(Boolean).join(' · ')));
  }

  function steps(dataset, samples, list, row, query) {
    const place = list.indexOf(row);
    if (place < 0) return null;
    const to = (at, text, id) => (at >= 0 && at < list.length
      ? site.link(text, ['sample', dataset.name, samples.id[list[at]]], query, { id, class: 'button' })
      : h('span', { class: 'button', 'aria-disabled': 'true' }, text));
    return h('nav', { class: 'pager', 'aria-label': t('samples') }, to(place - 1, `← ${t('previous')}`, 'previous'),
      h('span', {}, t('sample.of', { n: site.whole(place + 1), of: site.whole(list.length) })), to(place + 1, `${t('next')} →`, 'next'),
      h('span', { class: 'hint keys' }, t('keys')));
  }

  function beside(dataset, samples, row, query) {
    const others = samples.doc_id.at.flatMap((code, at) => (code === samples.doc_id.at[row] && at !== row ? [at] : []));
    if (!others.length) return null;
    return h('details', { class: 'beside' }, h('summary', {}, site.count('beside', others.length)), h('ul', {}, others.slice(0, 60).map((at) => h('li', {},
      site.link(samples.id[at], ['sample', dataset.name, samples.id[at]], query), ' ', site.said(samples.get('question', at), { class: 'small' })))));
  }

  site.pages.sample = async ([name, id], query) => {
    const dataset = site.dataset(name);
    if (!dataset || !dataset.samples) return null;
    const [{ board, samples, answers }] = await Promise.all([site.askedFor(name, query)]);
    const row = samples.byId.get(id);
    if (row === undefined) return null;
    const whole = await site.wholeTexts(samples, row);
    const references = whole.references ?? samples.references[row];
    const attributes = JSON.parse(whole.attributes ?? samples.get('attributes', row) ?? '{}');
    const everyone = await Promise.all(board.answered.map((model) => site.answers(model, name)));
    const list = site.chosen(dataset, samples, answers, query);
    const columns = ['doc_id', 'field', 'doc_type', 'subset', 'language', 'split', 'answer_type'];
    const page = [
      site.head([[t('overview'), []], [name, ['dataset', name]], [t('samples'), ['samples', name], query]], id, null, steps(dataset, samples, list, row, query)),
      h('div', { class: 'sample' },
        h('section', { class: 'panel pictures', 'aria-label': t('picture') }, pictures(samples, row)),
        h('div', {},
          h('section', { class: 'panel', 'aria-labelledby': 'asked' }, h('h2', { id: 'asked' }, t('question')),
            h('pre', { class: 'said', dir: 'auto' }, whole.question ?? samples.get('question', row)),
            h('h2', {}, t('gold')), h('div', { class: 'gold' }, references.length ? references.map((each) => (each === '' ? h('em', {}, t('absent')) : h('pre', { class: 'said', dir: 'auto' }, each))) : h('em', {}, t('no.gold'))),
            site.facts([...columns.map((column) => [site.named('dimension', column), samples.get(column, row)]), ...Object.entries(attributes)])),
          h('section', { class: 'panel', 'aria-labelledby': 'said' }, h('h2', { id: 'said' }, t('answers')),
            h('p', { class: 'hint' }, t('diff.hint')),
            await Promise.all(everyone.map((each) => answer(dataset, samples, each, row, references)))),
          beside(dataset, samples, row, query))),
    ];
    return { title: `${id} · ${name}`, page };
  };
})();
