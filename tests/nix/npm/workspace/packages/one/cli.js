#!/usr/bin/env node
console.log(`one with leaf ${require("leaf")} and ${require("@work/two")}`);
