#!/usr/bin/env node
console.log(`MAKER, with leaf ${require("leaf")}`);
