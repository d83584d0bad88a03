// Answers what `npm install --package-lock-only` would, for one project after another, in one process.
//
// Started as `node arborist.js install FLAGS…` with NPM_FOLDER in the environment: npm reads its configuration from
// FLAGS as it always does. Each line of standard input is a request {"path", "registry", "cache", "before"}; the answer is
// a line {} or {"code", "message"}. What npm wrote is in the folder. An exception that npm itself does not catch ends its
// command line; here it is the answer with the code `uncaught`, and the process has to be started anew.
'use strict'
const { join } = require('node:path')
const { createInterface } = require('node:readline')
const { createRequire } = require('node:module')

const folder = process.env.NPM_FOLDER
const npmRequire = createRequire(join(folder, 'package.json'))
const Npm = npmRequire('./lib/npm.js')
const Arborist = npmRequire('@npmcli/arborist')

const answer = async (npm, { path, registry, cache, before }) => {
  // What lib/commands/install.js hands to the arborist.
  const options = {
    ...npm.flatOptions,
    npmCommand: 'install',
    registry,
    cache: join(cache, '_cacache'),
    before: before ? new Date(before) : null,
    auditLevel: null,
    path,
    add: [],
    workspaces: null,
    allowScripts: null,
  }
  delete options.packumentCache
  await new Arborist(options).reify(options)
}

const say = said => process.stdout.write(JSON.stringify(said) + '\n')

const main = async () => {
  const npm = new Npm()
  await npm.load()
  process.on('uncaughtException', error => {
    say({ code: 'uncaught', message: error.message })
    process.exit(1)
  })
  for await (const line of createInterface({ input: process.stdin })) {
    let said = {}
    try {
      await answer(npm, JSON.parse(line))
    } catch (error) {
      said = { code: error.code || 'unknown', message: error.message }
    }
    say(said)
  }
  process.exit(0)
}

main()
