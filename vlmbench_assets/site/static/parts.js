// Pieces that several pages are made of.
'use strict';

(() => {
  const { h, svg, t, known } = site;

  site.link = (text, parts, query, attributes) => h('a', { ...attributes, href: site.href(parts, query) }, text);

  // Text of data: in a direction of its own, so that it cannot turn round what stands beside it.
  site.said = (text, attributes) => h('span', { dir: 'auto', ...attributes, class: `said ${(attributes || {}).class || ''}` }, text);

  // What the program wrote stays in its language, and says so.
  site.english = (text) => h('span', { lang: 'en' }, text);

  // Why something is as it is: in the language of the page where it has words for it.
  site.translated = (text) => {
    for (const [pattern, said] of (site.patterns[site.language] || [])) {
      const found = pattern.exec(text);
      if (found) return said.replace(/\$(\d)(\?)?/g, (_, at, again) => (again && site.translated(found[at])) || found[at] || '');
    }
    return null;
  };
  site.reason = (text) => site.translated(text) ?? site.english(text);

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

  const chip = ([kind, text, why]) => h('span', { class: `chip ${kind}` }, text, why.map((each, at) => h('span', { class: 'why' }, at ? '; ' : ': ', site.reason(each))));

  function concerns(flags, apart) {
    const found = [];
    const chip = (kind, text, why) => [kind, text, [why || []].flat()];
    if (flags.unreadable) found.push(chip('bad', t('flag.unreadable'), flags.unreadable));
    else if (flags.missing) found.push(chip('warn', t('flag.missing')));
    for (const each of flags.failed || []) found.push(chip('bad', t('flag.failed'), each));
    if (flags.stale) found.push(chip('warn', t('flag.stale'), flags.stale));
    if (flags.limit) found.push(chip('warn', t('flag.limit', { n: site.whole(flags.limit[0]), of: site.whole(flags.limit[1]) })));
    if (flags.tuned) found.push(chip('warn', t('flag.tuned')));
    if (flags.imported) found.push(chip('note', t('flag.imported'), flags.imported));
    if (flags.gone) found.push(chip('warn', site.count('gone', flags.gone)));
    if (flags.blocked) found.push(chip('warn', t('flag.blocked'), flags.blocked));
    if (apart) found.push(chip('bad', t('flag.apart'), apart.split('; ')));
    return found;
  }

  site.flags = (flags, apart) => {
    const found = concerns(flags, apart);
    return found.length ? h('ul', { class: 'chips' }, found.map((each) => h('li', {}, chip(each)))) : null;
  };

  // The same of several models, each said once.
  site.notes = (rows) => {
    const found = new Map();
    for (const row of rows) {
      for (const each of concerns(row.flags, row.apart)) {
        const key = JSON.stringify(each);
        found.set(key, [...(found.get(key) || []), row.model]);
      }
    }
    return found.size ? h('ul', { class: 'notes', 'aria-label': t('notes') }, [...found].map(([key, models]) => h('li', {}, chip(JSON.parse(key)), ' ', models.length === rows.length && models.length > 1 ? t('notes.all') : models.join(', ')))) : null;
  };

  // In a heat table there is room for a word at most.
  site.mark = (flags, apart) => {
    const kinds = ['unreadable', 'failed', 'stale', 'limit', 'tuned', 'gone', 'imported'].filter((kind) => flags[kind]);
    if (apart) kinds.push('apart');
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

  // ---- what is wider than the page: it scrolls by itself, by keyboard too, and shows on which side more is ----

  site.scroll = (label, inside) => {
    const region = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, inside);
    const box = h('div', { class: 'edges' }, region);
    const tell = () => {
      box.classList.toggle('before', region.scrollLeft > 1);
      box.classList.toggle('after', region.scrollWidth - region.clientWidth - region.scrollLeft > 1);
    };
    region.addEventListener('scroll', tell, { passive: true });
    const watched = new ResizeObserver(tell);
    watched.observe(region);
    watched.observe(inside);
    return box;
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

  // An interval, or why there is none.
  site.bounds = (value, low, high, metric, documents) => (known(low) ? [site.whisker(value, low, high, metric), h('span', { class: 'small' }, site.interval(low, high))]
    : h('span', { class: 'small' }, known(value) && documents > 0 && documents < site.index.fewest ? site.count('too.few', documents) : site.nothing));
})();
