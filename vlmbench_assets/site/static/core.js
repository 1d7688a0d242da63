// What everything else uses: making elements, loading data, words, figures, settings.
'use strict';

const site = { words: {}, patterns: {}, pages: {}, index: null };

(() => {
  // ---- elements: text is always text, whatever is in it ----

  // Controls and halves of pairs would be invisible; bidirectional marks would turn the line round.
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
  site.visible = (text) => String(text).replace(HIDDEN, '\ufffd');

  const SVG = 'http://www.w3.org/2000/svg';

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
      else if (name === 'style') for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
      else element.setAttribute(name, value === true ? '' : site.visible(value));
    }
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      element.append(child instanceof Node ? child : site.visible(child));
    }
    return element;
  }

  site.h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
  site.svg = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

  // ---- data: one script a file, asked for when it is needed ----

  const waiting = new Map();
  const loaded = new Map();

  window.vlmbenchSite = (name, value) => {
    const entry = waiting.get(name);
    if (entry) entry.resolve(value);
  };

  site.load = (name) => {
    if (loaded.has(name)) return loaded.get(name);
    const promise = new Promise((resolve, reject) => {
      waiting.set(name, { resolve });
      const script = document.createElement('script');
      const path = name.split('/').map(encodeURIComponent).join('/');
      script.src = `data/${path}.js?v=${document.body.dataset.version}`;
      script.onerror = () => { loaded.delete(name); reject(new Error(`data/${name}.js`)); };
      script.onload = () => { script.remove(); reject(new Error(`data/${name}.js`)); };
      document.head.append(script);
    });
    loaded.set(name, promise);
    return promise;
  };

  // ---- settings: kept where the browser allows it ----

  site.setting = (name, value) => {
    try {
      if (value !== undefined) localStorage.setItem(`vlmbench.${name}`, value);
      return localStorage.getItem(`vlmbench.${name}`) || '';
    } catch {
      return '';
    }
  };

  // ---- words ----

  site.languages = { en: 'English', ru: 'Русский' };
  site.language = 'en';

  site.t = (key, values) => {
    const words = site.words[site.language] || {};
    const text = words[key] ?? site.words.en[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (_, name) => (values && name in values ? values[name] : ''));
  };

  // A word that has forms by number, such as "1 sample, 5 samples": the forms stand under key.one, key.few, key.many.
  site.count = (key, number) => {
    const form = new Intl.PluralRules(site.language).select(number);
    const words = site.words[site.language];
    const name = `${key}.${form}` in words ? `${key}.${form}` : `${key}.other`;
    return site.t(name, { n: site.whole(number) });
  };

  // Two dimensions at once are named by their parts, in whichever order they were declared.
  site.dimension = (name) => name.split('*').map((each) => site.named('dimension', each)).join(' × ');
  site.group = (dimension, group) => {
    const at = dimension.includes('*') ? group.indexOf('|') : -1;
    return (at < 0 ? [group] : [group.slice(0, at), group.slice(at + 1)]).map((each) => each || site.t('none')).join(' · ');
  };

  // What comes from the data, such as a status, where there is a word for it.
  site.named = (kind, value) => {
    const key = `${kind}.${value}`;
    return (site.words[site.language] || {})[key] ?? site.words.en[key] ?? value;
  };

  // ---- figures ----

  const NOTHING = '—';
  const formats = new Map();
  function format(value, options) {
    const key = site.language + JSON.stringify(options);
    if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(site.language, options));
    // A hyphen is too short beside a plus sign.
    return formats.get(key).format(value).replace('-', '\u2212');
  }
  const known = (value) => value !== null && value !== undefined;

  site.nothing = NOTHING;
  site.known = known;
  site.score = (value) => (known(value) ? format(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 }) : NOTHING);
  site.signed = (value) => (known(value) ? format(value, { minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: 'exceptZero' }) : NOTHING);
  site.whole = (value) => (known(value) ? format(value, { maximumFractionDigits: 0 }) : NOTHING);
  site.decimal = (value, digits) => (known(value) ? format(value, { minimumFractionDigits: digits, maximumFractionDigits: digits }) : NOTHING);
  // What takes less than a millisecond takes some time.
  site.latency = (value) => (known(value) && value > 0 && value < 1 ? `<${site.whole(1)}` : site.whole(value));
  site.ms = (value) => (known(value) ? site.t('ms', { n: site.latency(value) }) : NOTHING);
  site.percent = (value) => (known(value) ? format(value, { style: 'percent', maximumFractionDigits: value > 0.995 && value < 1 ? 1 : 0 }) : NOTHING);
  site.interval = (low, high) => (known(low) && known(high) ? `${site.score(low)}–${site.score(high)}` : NOTHING);
  site.p = (value) => (known(value) && value < 0.001 ? `< ${site.score(0.001)}` : site.score(value));
  site.when = (text) => {
    const date = new Date(text);
    return Number.isNaN(date.getTime()) ? text : new Intl.DateTimeFormat(site.language, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(date) + ' UTC';
  };

  // ---- addresses ----

  const part = (text) => encodeURIComponent(String(text).toWellFormed ? String(text).toWellFormed() : text);
  site.href = (parts, query) => {
    const asked = Object.entries(query || {}).filter(([, value]) => value !== '' && known(value));
    const tail = asked.map(([name, value]) => `${part(name)}=${part(value)}`).join('&');
    return `#/${parts.map(part).join('/')}${tail ? `?${tail}` : ''}`;
  };

  site.route = () => {
    const [path, tail] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
    const decode = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
    const query = {};
    for (const each of (tail || '').split('&').filter(Boolean)) {
      const [name, value] = each.split(/=(.*)/s);
      query[decode(name)] = decode(value || '');
    }
    return { parts: path.split('/').filter(Boolean).map(decode), query };
  };

  site.announce = (text) => { document.getElementById('live').textContent = text; };
})();
