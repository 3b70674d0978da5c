// Two token endpoints: `node tokens.mjs mock-rs256|mock-es256|oidc PORT`.
const [which, port] = process.argv.slice(2)

if (which === 'oidc') {
  const { default: Provider } = await import('oidc-provider')
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: 'sandbox-backend',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES384',
        jwks: { keys: [JSON.parse(process.env.CLIENT_KEY)] },
      },
      {
        client_id: 'app',
        client_secret: 'secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    enabledJWA: { clientAuthSigningAlgValues: ['ES384'] },
    scopes: ['system/*.rs'],
  })
  provider.listen(Number(port), '127.0.0.1', () => console.log('ready'))
} else {
  const { OAuth2Server } = await import('oauth2-mock-server')
  const server = new OAuth2Server()
  await server.issuer.keys.generate(which === 'mock-es256' ? 'ES256' : 'RS256')
  await server.start(Number(port), '127.0.0.1')
  console.log('ready')
}
