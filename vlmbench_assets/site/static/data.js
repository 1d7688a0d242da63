// The data of the pages: the index, the samples and answers of a dataset, and texts that are too long for lists.
'use strict';

(() => {
  const text = (column, at) => column.texts[column.at[at]] ?? '';

  site.dataset = (name) => site.index.datasets.find((each) => each.name === name);

  site.rowOf = (dataset, model) => dataset.rows.find((row) => row.model === model);

  site.samples = async (name) => {
    const data = await site.load(`datasets/${name}/samples`);
    if (!data.ready) {
      data.ready = true;
      data.count = data.id.length;
      data.get = (column, at) => text(data[column], at);
      data.pictures = (at) => text(data.images, at).split(' ').filter(Boolean);
      data.byId = new Map(data.id.map((id, at) => [id, at]));
      data.folder = `datasets/${name}`;
      data.chunks = new Map(data.long);
    }
    return data;
  };

  site.answers = async (model, dataset) => {
    const data = await site.load(`cells/${model}/${dataset}/answers`);
    if (!data.ready) {
      data.ready = true;
      const rows = data.rows || data.answer.map((_, at) => at);
      const places = new Map(rows.map((row, at) => [row, at]));
      data.model = model;
      data.at = (row) => places.get(row);
      data.has = (row) => places.has(row);
      data.scoreOf = (row) => { const at = places.get(row); return at === undefined ? null : data.score[at]; };
      data.statusOf = (row) => { const at = places.get(row); return at === undefined ? '' : text(data.status, at); };
      data.categoryOf = (row) => { const at = places.get(row); return at === undefined ? '' : text(data.category, at); };
      data.answerOf = (row) => { const at = places.get(row); return at === undefined ? '' : data.answer[at]; };
      data.errorOf = (row) => { const at = places.get(row); return at === undefined ? '' : text(data.error, at); };
      data.folder = `cells/${model}/${dataset}`;
      data.chunks = new Map(data.long);
    }
    return data;
  };

  // The whole texts of a row, where its list has only the beginnings; an empty object where it has all.
  site.wholeTexts = async (data, row) => {
    if (!data.chunks.has(row)) return {};
    const rows = await site.load(`${data.folder}/long-${data.chunks.get(row)}`);
    return new Map(rows).get(row) || {};
  };

  // What a score of one sample may be believed to be worst by: null where nothing was scored.
  site.badness = (value, metric) => {
    if (value === null || value === undefined || !metric) return null;
    return metric.higher ? -value : value;
  };
})();
