// The only thing that the SDK needs and Node.js 20 lacks, so that all systems run on the same Node.js.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};
