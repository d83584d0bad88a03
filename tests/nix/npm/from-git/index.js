module.exports = "from git";
