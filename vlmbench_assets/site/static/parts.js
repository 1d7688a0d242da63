// Pieces that several pages are made of.
'use strict';

(() => {
  const { h, svg, t, known } = site;

  site.link = (text, parts, query, attributes) => h('a', { ...attributes, href: site.href(parts, query) }, text);

  // Text of data: in a direction of its own, so that it cannot turn round what stands beside it.
  site.said = (text, attributes) => h('span', { dir: 'auto', ...attributes, class: `said ${(attributes || {}).class || ''}` }, text);

  // What the program wrote stays in its language, and says so.
  site.english = (text) => h('span', { lang: 'en' }, text);

  site.head = (trail, title, about, ...more) => h('div', { class: 'head' },
    h('nav', { 'aria-label': t('trail') }, h('ol', { class: 'trail' },
      trail.map(([text, parts, query]) => h('li', {}, parts ? site.link(text, parts, query) : text)))),
    h('h1', {}, title),
    about ? h('p', { class: 'about' }, about) : null,
    more);

  let panels = 0;
  site.panel = (title, ...children) => {
    const id = `p${(panels += 1)}`;
    return h('section', { class: 'panel', 'aria-labelledby': id }, h('h2', { id }, title), children);
  };

  site.facts = (pairs) => h('dl', { class: 'facts' }, pairs.filter((pair) => pair && pair[1] !== '' && known(pair[1]))
    .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));

  // ---- what a reader must know before a score is believed ----

  site.flags = (flags, apart) => {
    const chip = (kind, text, why) => h('li', { class: `chip ${kind}` }, text, why ? h('span', { class: 'why' }, ': ', site.english(why)) : null);
    const found = [];
    if (flags.unreadable) found.push(chip('bad', t('flag.unreadable'), flags.unreadable));
    else if (flags.missing) found.push(chip('warn', t('flag.missing')));
    for (const each of flags.failed || []) found.push(chip('bad', t('flag.failed'), each));
    if (flags.stale) found.push(chip('warn', t('flag.stale'), flags.stale.join('; ')));
    if (flags.limit) found.push(chip('warn', t('flag.limit', { n: site.whole(flags.limit[0]), of: site.whole(flags.limit[1]) })));
    if (flags.tuned) found.push(chip('warn', t('flag.tuned')));
    if (flags.imported) found.push(chip('note', t('flag.imported'), flags.imported));
    if (flags.gone) found.push(chip('warn', site.count('gone', flags.gone)));
    if (flags.blocked) found.push(chip('warn', t('flag.blocked'), flags.blocked));
    if (apart) found.push(chip('bad', t('flag.apart'), apart));
    return found.length ? h('ul', { class: 'chips' }, found) : null;
  };

  // In a heat table there is room for a word at most.
  site.mark = (flags) => {
    const kinds = ['failed', 'stale', 'limit', 'tuned', 'gone', 'imported'].filter((kind) => flags[kind]);
    return kinds.length ? h('span', { class: 'mark' }, kinds.map((kind) => t(`mark.${kind}`)).join(', ')) : null;
  };

  // ---- how good a score is, from 0 to 1, for colours only ----

  site.goodness = (value, metric) => {
    if (!known(value) || !metric) return null;
    const lower = metric.lower ?? 0;
    const upper = metric.upper ?? 1;
    const share = Math.min(1, Math.max(0, (value - lower) / ((upper - lower) || 1)));
    return metric.higher ? share : 1 - share;
  };
  site.heat = (value, metric) => {
    const good = site.goodness(value, metric);
    return good === null ? {} : { style: { '--share': good.toFixed(3) } };
  };

  site.status = (status) => h('span', { class: `badge status-${/^[a-z_]+$/.test(status) ? status : 'other'}` }, site.named('status', status));
  site.category = (category) => (category ? h('span', { class: `badge category-${/^[a-z_]+$/.test(category) ? category : 'other'}` }, site.named('category', category)) : site.nothing);

  // ---- controls ----

  let controls = 0;
  site.select = (label, options, value, change) => {
    const id = `c${(controls += 1)}`;
    const select = h('select', { id, onchange: (event) => change(event.target.value) },
      options.map(([each, text]) => h('option', { value: each, selected: each === value }, text)));
    return h('div', { class: 'control' }, h('label', { for: id }, label), select);
  };
  site.search = (label, value, change) => {
    const id = `c${(controls += 1)}`;
    let timer = 0;
    const input = h('input', {
      id, type: 'search', value, autocomplete: 'off', spellcheck: 'false',
      oninput: (event) => { clearTimeout(timer); timer = setTimeout(() => change(event.target.value), 120); },
    });
    return h('div', { class: 'control grow' }, h('label', { for: id }, label), input);
  };

  // ---- pictures ----

  site.picture = (name, alt, small) => {
    if (site.index.images === 'none' || !name) return null;
    if (site.index.lost.includes(name)) return h('span', { class: 'lost' }, t('picture.lost'));
    const file = `images/${name}${small ? '.s' : ''}.webp`;
    return h('img', { src: file, alt, loading: 'lazy', decoding: 'async', class: small ? 'thumbnail' : 'page' });
  };

  // ---- an interval as a line with its score as a dot ----

  site.whisker = (value, low, high, metric) => {
    if (!known(value) || !metric) return null;
    const from = metric.lower ?? 0;
    const to = Math.max(metric.upper ?? 1, value, high ?? 0);
    const at = (each) => (100 * (Math.min(to, Math.max(from, each)) - from)) / ((to - from) || 1);
    const parts = [svg('line', { x1: 0, x2: 100, y1: 7, y2: 7, class: 'axis' })];
    if (known(low) && known(high)) parts.push(svg('line', { x1: at(low), x2: at(high), y1: 7, y2: 7, class: 'span' }));
    parts.push(svg('circle', { cx: at(value), cy: 7, r: 3.4, class: 'dot' }));
    return svg('svg', { class: 'whisker', viewBox: '-4 0 108 14', 'aria-hidden': 'true', focusable: 'false' }, parts);
  };
})();
