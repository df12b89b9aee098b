// Swedish search: the theme looks for words that begin with what was typed, so "fakturan" misses "faktura".
// Each typed word gets its stem (step 1 of the Snowball stemmer for Swedish, and the endings -an, -et and -na) as one more beginning to look for.
(() => {
  const endings =
    /(heterna|hetens|anden|heten|heter|arna|erna|orna|ande|arne|aste|andes|arens|ades|ernas|ornas|aren|are|ast|ade|ens|ers|at|ar|er|or|en|ern|het|a|e|ad|an|et|na)s?$/;
  const stem = (word) => {
    const start = word.search(/[aeiouyåäö][^aeiouyåäö]/i);
    const from = Math.max(3, start + 2);
    return word.length > from ? word.slice(0, from) + word.slice(from).replace(endings, "") : word;
  };
  const widen = (query) =>
    query
      .split(/(\s+)/)
      .flatMap((word) => (/^[\p{L}-]{4,}$/u.test(word) && stem(word) !== word ? [word, " ", stem(word)] : [word]))
      .join("");
  const send = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    const asks = message && message.type === 2 && typeof message.data === "string"; // 2: a query
    return send.call(this, asks ? { ...message, data: widen(message.data) } : message, ...rest);
  };
})();
