// npm `oidc-provider` as the foreign provider: whoever comes is signed in as subject-1, at the level asked for.
// Arguments: the folder of node modules, the redirect URI. Prints the issuer when it answers.
import http from "node:http";
import { pathToFileURL } from "node:url";

const [folder, redirectUri] = process.argv.slice(2);
const module = await import(pathToFileURL(`${folder}/oidc-provider/lib/index.js`));
const Provider = module.Provider ?? module.default;
const LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3";

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "sluss", client_secret: "a secret: with %+", redirect_uris: [redirectUri] }],
    acrValues: [LOA3],
    claims: { openid: ["sub"], acr: null, sid: null },
    cookies: { keys: ["only for tests"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  });
  const callback = provider.callback();
  server.on("request", async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return callback(request, response);
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    const result = {};
    if (prompt.name === "login") {
      result.login = { accountId: "subject-1", acr: params.acr_values === LOA3 ? LOA3 : undefined };
    } else {
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope("openid");
      result.consent = { grantId: await grant.save() };
    }
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  });
  console.log(issuer);
});
