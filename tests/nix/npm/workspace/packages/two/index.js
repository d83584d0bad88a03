module.exports = `two with leaf ${require("leaf")}`;
