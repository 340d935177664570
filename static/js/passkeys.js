// Passkeys: turns what the server asks of the browser into what it wants back, and sends the form.
// A form says data-passkey="create" or "get", and where its options are: data-options (the id of a
// JSON block) or data-from (an address).
(() => {
  "use strict";
  const toBytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const withBytes = (credentials) =>
    (credentials || []).map((one) => ({ ...one, id: toBytes(one.id) }));

  const answerOf = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = toText(credential.response[name]);
    }
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return {
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  };

  const create = (options, alone) => {
    const wanted = options.publicKey;
    wanted.challenge = toBytes(wanted.challenge);
    wanted.user.id = toBytes(wanted.user.id);
    wanted.excludeCredentials = withBytes(wanted.excludeCredentials);
    wanted.authenticatorSelection = {
      ...wanted.authenticatorSelection,
      residentKey: alone ? "required" : "discouraged",
      requireResidentKey: alone,
      ...(alone ? { userVerification: "required" } : {}),
    };
    return navigator.credentials.create({ publicKey: wanted });
  };

  const get = (options) => {
    const wanted = options.publicKey;
    wanted.challenge = toBytes(wanted.challenge);
    wanted.allowCredentials = withBytes(wanted.allowCredentials);
    return navigator.credentials.get({ publicKey: wanted });
  };

  const optionsOf = async (form) => {
    if (form.dataset.options) return JSON.parse(document.getElementById(form.dataset.options).textContent);
    const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
    const answer = await fetch(form.dataset.from, { headers });
    if (!answer.ok) throw new TypeError(answer.statusText);
    return (await answer.json()).request_options;
  };

  const tell = (word) => {
    const box = document.getElementById("passkey-trouble");
    box.querySelector("div").textContent = box.dataset[word];
    box.hidden = false;
  };

  const send = async (form) => {
    document.getElementById("passkey-trouble").hidden = true;
    if (!window.PublicKeyCredential) return tell("unknown");
    try {
      const options = await optionsOf(form);
      const alone = Boolean(form.querySelector("[name=passwordless]")?.checked);
      const credential = await (form.dataset.passkey === "create" ? create(options, alone) : get(options));
      form.querySelector("[name=credential]").value = JSON.stringify(answerOf(credential));
      form.submit();
    } catch (error) {
      tell({ InvalidStateError: "there", TypeError: "away" }[error.name] || "none");
    }
    return undefined;
  };

  // Before katal.js counts the form as sent.
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.dataset.passkey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      send(form);
    },
    true,
  );
})();
